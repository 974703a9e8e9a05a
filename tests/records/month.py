"""A small month of calls with all that engines could see differently, and every question about it."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.records.make import DAY, NOON, call, stream

from clearline.records import attributing, erasure, evidence, export, figures, history, search, snapshot, upkeep
from clearline.records.schema import CALLS, CallRecord, record_key
from clearline.records.seal import maintenance, seal_spool
from clearline.records.store import Records

HOUR = 3_600_000_000
FIRST = NOON - NOON % DAY
"""2026-09-21T00:00Z."""
SPAN = {"tenant": "t", "since_us": FIRST, "until_us": FIRST + 31 * DAY}
ODD = {"tenant": "t", "since_us": FIRST + 90 * 60_000_000 + 1, "until_us": FIRST + 24 * DAY + 7 * HOUR - 1}
NOTHING = {"tenant": "t", "since_us": FIRST + 200 * DAY, "until_us": FIRST + 230 * DAY}
NUMBERS = ["+12025550100", "sip:(202) 555-0142@a.example", "<sips:Zoë.O'Hara@b.example;x=1>", "tel:+49-30-1"]
LIMITS = evidence.Limits.of("150", "30", "1", "3.5")

ONE_OF_EACH = (
    "calls of a customer",
    "history of a call",
    "totals of an odd stretch",
    "totals by codec and day",
    "histogram by hour",
    "percentile by site",
    "percentile of nothing",
    f"search for {NUMBERS[2]}",
    "experience of nothing",
    "unattributed",
    "snapshot taken again",
    "a person",
    "export",
)
"""Questions that between them use every function and form of expression, for an engine that takes seconds for each."""


def some_call(number: int, day: int) -> CallRecord:
    """One of any kind, the same each time."""
    source = random.Random(number)

    def often(value: Any, share: float = 0.8) -> Any:
        return value if source.random() < share else None

    start = FIRST + day * DAY + source.randrange(DAY)
    return call(
        number,
        tenant=source.choice("ttttu"),
        customer=often(f"C-{source.randrange(4)}"),
        service=often(f"S-{source.randrange(2)}"),
        site=often("Zürich", 0.3),
        caller=often(source.choice(NUMBERS)),
        callee=often(source.choice(NUMBERS)),
        call_id=often(f"{number}@pbx"),
        start_us=start,
        answered_us=often(start + 1_000_000),
        final_code=often(source.choice([200, 486, 503])),
        talk_us=often(source.randrange(10**10)),
        post_dial_delay_us=often(source.randrange(5 * 10**6)),
        mos_x100=often(source.randrange(100, 451)),
        loss_ppm=often(source.randrange(50_000)),
        jitter_us=often(source.randrange(60_000)),
        delay_us=often(source.randrange(400_000)),
        video_mos_x100=often(source.randrange(100, 500), 0.1),
        codec=often(source.choice(["PCMU", "opus"])),
        trunk=often(source.choice(["x", "Y", "é"])),
        direction=often(source.choice(["in", "out"])),
    )


def fill(records: Records) -> str:
    """Put the month in: sealed days, repeats, corrections, a moved call, an erased person, rows in no file yet.

    Returns:
        The id of a snapshot of it.
    """
    days = (0, 1, 2, 9, 10, 23, 24, 30)
    records.append([some_call(number, days[number % len(days)]) for number in range(320)])
    records.append([stream(number, start_us=FIRST + number * HOUR) for number in range(3)])
    upkeep.upkeep(records)
    erasure.erase_person(records, tenant="t", number=NUMBERS[0], who="test", why="asked")
    snapshot_id = snapshot.take(records, **SPAN, who="test", why="month closed")
    corrected = [row for row in records.calls(**SPAN) if row.start_us // DAY == FIRST // DAY + 1][:5]
    records.revise([replace(row, mos_x100=123, customer="C-9") for row in corrected], who="test", why="re-scored")
    moved = next(row for row in records.calls(**SPAN) if row.start_us // DAY == FIRST // DAY + 2)
    then = {moved.key: moved.start_us}
    records.revise(
        [replace(moved, start_us=moved.start_us + DAY)], who="test", why="its clock was off", moved_from=then
    )
    records.append([some_call(number, 9) for number in range(300, 340)])
    with maintenance(records):
        seal_spool(records)
    records.append([some_call(number, 23) for number in range(330, 360)])
    return snapshot_id


def exported(records: Records, **span: Any) -> list[str]:
    """A month as CSV."""
    target = records.path / "exported.csv"
    export.export(records, CALLS, target, **span)
    return target.read_text().splitlines()


def questions(snapshot_id: str, revised: str, call_id: str) -> dict[str, Callable[[Records], Any]]:
    """Every function that asks, by what is asked."""
    totals, histogram, percentile = figures.totals, figures.histogram, figures.percentile
    asked: dict[str, Callable[[Records], Any]] = {
        "calls": lambda records: records.calls(**SPAN),
        "calls of a customer": lambda records: records.calls(**ODD, customer="C-1"),
        "calls of nobody": lambda records: records.calls(**{**SPAN, "tenant": "nobody"}),
        "streams": lambda records: records.streams(**SPAN, call_key=record_key(1)),
        "history of a call": lambda records: history.states(records, "calls", **SPAN, key=revised),
        "totals of nothing": partial(totals, **NOTHING),
        "totals": partial(totals, **SPAN),
        "totals of an odd stretch": partial(totals, **ODD),
        "totals by service": partial(totals, **SPAN, by=["customer", "service", "site", "direction", "profile"]),
        "totals by trunk and hour": partial(totals, **ODD, by=["trunk", "hour_us"]),
        "totals by codec and day": partial(totals, **SPAN, by=["codec", "day_us"], where={"customer": ["C-1", "C-9"]}),
        "histogram": partial(histogram, **SPAN),
        "histogram of nothing": partial(histogram, **NOTHING),
        "histogram by hour": partial(histogram, **ODD, by=["hour_us"], where={"customer": ["C-1"]}),
        "percentile": partial(percentile, **SPAN, permille=50),
        "percentile of nothing": partial(percentile, **NOTHING, permille=50),
        "percentile by site": partial(percentile, **ODD, permille=950, by=["customer", "site"]),
        "search for a Call-ID": lambda records: search.search(records, **SPAN, call_id=call_id),
        "voice": lambda records: evidence.voice(records, **SPAN, service="S-1"),
        "experience": lambda records: evidence.experience(records, **SPAN, service="S-1", limits=LIMITS),
        "experience of nothing": lambda records: evidence.experience(records, **NOTHING, service="S", limits=LIMITS),
        "unattributed": lambda records: attributing.unattributed(records, **SPAN).to_pylist(),
        "snapshot taken again": lambda records: snapshot.recompute(records, snapshot_id),
        "difference since": lambda records: snapshot.difference(records, snapshot_id),
        "a person": lambda records: erasure.export_person(records, tenant="t", number="2025550142"),
        "export": partial(exported, **ODD),
    }
    for measure in ("post_dial_delay_us", "loss_ppm", "jitter_us", "delay_us"):
        asked[f"histogram of {measure}"] = partial(histogram, **ODD, measure=measure, by=["customer", "day_us"])
    for number in (*NUMBERS, "nobody"):
        asked[f"search for {number}"] = lambda records, number=number: search.search(records, **SPAN, number=number)
    return asked


def a_month(path: Path) -> tuple[Records, dict[str, Callable[[Records], Any]]]:
    """A store that holds the month, and the questions about it."""
    records = Records(path)
    snapshot_id = fill(records)
    rows = records.calls(**SPAN)
    revised = next(row.key for row in rows if row.customer == "C-9")
    call_id = next(row.call_id for row in rows if row.call_id)
    return records, questions(snapshot_id, revised, call_id)
