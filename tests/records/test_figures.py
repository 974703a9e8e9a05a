"""Figures are the same whether they come from roll-ups or rows, in whatever order those came in."""

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.records.make import DAY, NOON, call

from clearline.records import check, evidence, figures, rolling
from clearline.records.figures import split
from clearline.records.rollup import SUMS, WIDTHS
from clearline.records.schema import DAY_US, HOUR_US, CallRecord
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

MIDNIGHT = NOON - DAY // 2
MONTH = 20_635
"""2026-07-01."""
SPAN = {"tenant": "t", "since_us": MIDNIGHT, "until_us": MIDNIGHT + 3 * DAY}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records")


def many(count: int, seed: int = 1) -> list[CallRecord]:
    source = random.Random(seed)
    return [
        call(
            (seed, n),
            start_us=MIDNIGHT + source.randrange(3 * DAY),
            customer=f"C-{n % 3}",
            service=f"S-{n % 5}",
            site=source.choice(["north", None]),
            trunk=f"trunk-{n % 4}",
            codec=source.choice(["PCMU", "G722"]),
            direction=source.choice(["in", "out"]),
            answered_us=source.choice([None, NOON]),
            mos_x100=source.choice([None, source.randrange(100, 450)]),
            talk_us=source.choice([None, source.randrange(10**9)]),
            post_dial_delay_us=source.randrange(10**7),
            loss_ppm=source.choice([None, source.randrange(10**5)]),
            profile=source.choice(["planning", "calibrated"]),
            mos_basis=source.choice(["cq", "lq", None]),
        )
        for n in range(count)
    ]


def summed(
    rows: list[CallRecord], by: Callable[[CallRecord], tuple[Any, ...]]
) -> dict[tuple[Any, ...], dict[str, int]]:
    """The definitions of the sums once more, in plain Python."""
    result: dict[tuple[Any, ...], dict[str, int]] = {}
    for row in rows:
        sums = result.setdefault(by(row), dict.fromkeys(SUMS, 0))
        measured = row.mos_x100 is not None
        sums["attempts"] += 1
        sums["answered"] += row.answered_us is not None
        sums["effective"] += row.final_code in {200, 480, 486, 487, 600, 603}
        sums["calls"] += row.answered_us is not None or measured
        sums["talk_us"] += row.talk_us or 0
        sums["measured"] += measured
        sums["mos_x100"] += row.mos_x100 or 0
        sums["measured_talk_us"] += (row.talk_us or 0) * measured
        sums["mos_x100_talk_us"] += (row.mos_x100 or 0) * (row.talk_us or 0)
        sums["low_mos"] += measured and (row.mos_x100 or 0) < 360
        sums["listening_only"] += row.mos_basis == "lq"
        for count, name in (
            ("post_dial_delay_n", "post_dial_delay_us"),
            ("loss_n", "loss_ppm"),
            ("jitter_n", "jitter_us"),
            ("delay_n", "delay_us"),
        ):
            sums[count] += getattr(row, name) is not None
            sums[name] += getattr(row, name) or 0
    return result


def asked(records: Records, by: list[str], **more: Any) -> dict[tuple[Any, ...], dict[str, int]]:
    found = figures.totals(records, **{**SPAN, **more}, by=by)
    return {tuple(row[name] for name in by): {name: row[name] for name in SUMS} for row in found}


BYS: list[tuple[list[str], Callable[[CallRecord], tuple[Any, ...]]]] = [
    ([], lambda _: ()),
    (["customer"], lambda row: (row.customer,)),
    (["service", "site", "profile"], lambda row: (row.service, row.site, row.profile)),
    (["trunk", "direction"], lambda row: (row.trunk, row.direction)),
    (["codec", "source"], lambda row: (row.codec, row.source)),
    (["customer", "hour_us"], lambda row: (row.customer, row.start_us // HOUR_US * HOUR_US)),
    (["day_us"], lambda row: (row.start_us // DAY_US * DAY_US,)),
]


@pytest.mark.parametrize("state", ["spooled", "rolled up", "rolled up and added to"])
def test_sums_equal_those_of_plain_python(records: Records, state: str) -> None:
    rows = many(400)
    records.append(rows[:350])
    if state != "spooled":
        upkeep(records)
    records.append(rows[350:])
    if state == "rolled up":
        upkeep(records)
    for by, key in BYS:
        assert asked(records, by) == summed(rows, key), by


def test_sums_over_any_stretch_equal_those_of_plain_python(records: Records) -> None:
    rows = many(300)
    records.append(rows)
    upkeep(records)
    source = random.Random(3)
    for _ in range(6):
        low, high = sorted(MIDNIGHT + source.randrange(3 * DAY) for _ in range(2))
        low = low // HOUR_US * HOUR_US if source.random() < 0.5 else low
        inside = [row for row in rows if low <= row.start_us < high]
        assert asked(records, ["service"], since_us=low, until_us=high) == summed(inside, lambda row: (row.service,))
        hourly = figures.percentile(
            records, tenant="t", since_us=low, until_us=high, permille=50, by=["site", "hour_us"]
        )
        assert sum(row["n"] for row in hourly) == sum(row.mos_x100 is not None for row in inside)


def test_asking_with_conditions_leaves_the_others_out(records: Records) -> None:
    rows = many(100)
    records.append(rows)
    upkeep(records)
    some = [row for row in rows if row.service in {"S-1", "S-2"} and row.profile == "planning"]
    where = {"service": ["S-1", "S-2"], "profile": ["planning"]}
    assert asked(records, ["service"], where=where) == summed(some, lambda row: (row.service,))
    assert asked(records, ["service"], where={"service": ["none"]}) == {}


def test_dimensions_that_no_roll_up_keeps_together_are_refused_with_what_is_kept(records: Records) -> None:
    with pytest.raises(ValueError, match="ask within one of"):
        figures.totals(records, **SPAN, by=["codec", "trunk"])


def test_roll_ups_of_any_arrival_order_are_the_same_bytes(tmp_path: Path) -> None:
    rows, digests = many(200), set()
    for seed in range(3):
        records = Records(tmp_path / str(seed))
        shuffled = random.Random(seed).sample(rows, len(rows))
        for start in range(0, len(rows), 70 + seed * 17):
            records.append(shuffled[start : start + 70 + seed * 17])
            if seed:
                upkeep(records)
        upkeep(records)
        listed = records.manifest.live(["rollup", "histogram"]).files
        digests.add(tuple(sorted((file.table, file.day, file.digest) for file in listed)))
        assert check.check(records).problems == []
    assert len(digests) == 1


def test_check_notices_a_roll_up_that_is_off_by_one(records: Records) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    from clearline.records import parquet  # noqa: PLC0415

    records.append([call(1)])
    upkeep(records)
    (file,) = records.manifest.live(["rollup"]).files
    data = parquet.read(records.path, file.path)
    at = data.column_names.index("mos_x100")
    data = data.set_column(at, "mos_x100", pc.add(data.column(at), pa.scalar(1, pa.int64())))
    path = parquet.new_path("rollup", file.day)
    about = parquet.footer("rollup", file.day, 0, made_of=file.made_of)
    records.manifest.commit(add=[parquet.write(records.path, path, data, about)], kill=[file.path], now_us=1)
    problems = check.check(records).problems
    assert problems
    assert "differs from its recomputation" in problems[0]


def test_the_running_days_roll_up_is_added_to_hour_by_hour(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "now_us", lambda _: MIDNIGHT + DAY - 1)
    first = [call(n, start_us=MIDNIGHT + n * HOUR_US, mos_x100=400) for n in range(24)]
    records.append(first)
    upkeep(records)
    summed: list[int] = []
    real = rolling._name_hours  # what is summed again is the point
    monkeypatch.setattr(rolling, "_name_hours", lambda *of: (summed.append(len(of[-1])), real(*of)))
    day = {"tenant": "t", "since_us": MIDNIGHT, "until_us": MIDNIGHT + DAY}
    for n in range(9):
        records.append([call(("late", n), start_us=MIDNIGHT + n % 2 * HOUR_US + 5, mos_x100=300)])
        before = figures.totals(records, **day)
        upkeep(records)
        assert figures.totals(records, **day) == before
    assert check.check(records).problems == []
    assert summed == [1] * 18, "each new file once a kind of roll-up, merged or not"
    assert [row["attempts"] for row in figures.totals(records, **day, by=["hour_us"])] == [6, 5] + [1] * 22
    records.revise([call(3, start_us=MIDNIGHT + 3 * HOUR_US, mos_x100=100)], who="ann", why="re-scored")
    assert figures.totals(records, **day)[0]["mos_x100"] == 23 * 400 + 100 + 9 * 300


def test_a_month_that_is_over_is_one_roll_up_and_follows_late_records(records: Records) -> None:
    month = {"tenant": "t", "since_us": MONTH * DAY_US, "until_us": (MONTH + 31) * DAY_US}
    rows = [
        call(n, start_us=(MONTH + n) * DAY_US + n, customer=f"C-{n % 3}", mos_x100=300 + n) for n in range(0, 31, 5)
    ]
    records.append(rows)
    upkeep(records)
    listed = records.manifest.live(["rollup-month", "histogram-month"]).files
    assert [(file.table, file.day) for file in listed] == [("histogram-month", MONTH), ("rollup-month", MONTH)]
    assert figures.totals(records, **month)[0]["mos_x100"] == sum(300 + n for n in range(0, 31, 5))
    shorter = {**month, "since_us": month["since_us"] + DAY_US}
    assert figures.totals(records, **shorter)[0]["mos_x100"] == sum(300 + n for n in range(5, 31, 5))
    records.append([call("late", start_us=(MONTH + 5) * DAY_US, mos_x100=100)])
    for _ in range(2):
        assert figures.totals(records, **month)[0]["attempts"] == 8
        assert sum(row["n"] for row in figures.histogram(records, **month)) == 8
        upkeep(records)
    assert check.check(records).problems == []
    listed_before = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed_before


def test_percentiles_keep_their_stated_bound(records: Records) -> None:
    rows = many(300)
    records.append(rows)
    upkeep(records)
    for measure, width in WIDTHS.items():
        values = sorted(value for row in rows if (value := getattr(row, measure)) is not None)
        for permille in (1, 50, 950, 1000):
            exact = values[-(-len(values) * permille // 1000) - 1]
            (found,) = figures.percentile(records, **SPAN, permille=permille, measure=measure)
            assert found["n"] == len(values)
            assert found["value"] <= exact < found["value"] + width


def test_no_calls_have_no_percentile(records: Records) -> None:
    assert figures.percentile(records, **SPAN, permille=50) == []
    assert figures.totals(records, **{**SPAN, "until_us": SPAN["since_us"]}) == []


@given(
    one=st.integers(0, 4 * DAY_US),
    other=st.integers(0, 4 * DAY_US),
    fresh=st.sets(st.integers(0, 3)),
    hot=st.sets(st.integers(0, 95), max_size=3),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_parts_of_a_stretch_cover_it_once(*, one: int, other: int, fresh: set[int], hot: set[int]) -> None:
    low, high = sorted((one, other))
    parts = split(low, high, fresh, hot)
    spans = sorted([*((day * DAY_US, (day + 1) * DAY_US) for day in parts.days), *parts.hours, *parts.rows])
    assert sum(end - start for start, end in spans) == high - low
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(start >= low and end <= high for start, end in spans)
    assert all(start % HOUR_US == end % HOUR_US == 0 for start, end in parts.hours)
    assert set(parts.days) <= fresh
    assert not {hour // 24 for hour in hot} & set(parts.days)
    assert not any(start <= hour * HOUR_US < end for hour in hot for start, end in parts.hours)


def test_voice_evidence_is_the_exact_sum(records: Records) -> None:
    records.append(
        [
            call(1, mos_x100=433, talk_us=61_500_001),
            call(2, mos_x100=401, talk_us=None),
            call(3, mos_x100=None),
            call(4, mos_x100=None, answered_us=None),
            call(5, mos_x100=210, profile="calibrated"),
            call(6, mos_x100=440, service="S-2"),
            call(7, mos_x100=440, start_us=NOON + 3 * DAY),
        ]
    )
    upkeep(records)
    assert evidence.voice(records, **SPAN, service="S-1") == {
        "calls": 4,
        "measured": 2,
        "mos_total": "8.34",
        "talk_seconds": "61.500001",
        "mos_talk_total": "266.29500433",
    }
    assert evidence.voice(records, **SPAN, service="none") == {
        "calls": 0,
        "measured": 0,
        "mos_total": "0",
        "talk_seconds": "0",
        "mos_talk_total": "0",
    }


def test_experience_counts_only_what_is_known_in_full(records: Records) -> None:
    limits = evidence.Limits.of("150", "30", "1", "3.5")
    records.append(
        [
            call(1, delay_us=150_000, jitter_us=30_000, loss_ppm=10_000),
            call(2, delay_us=150_001),
            call(3, jitter_us=30_001),
            call(4, loss_ppm=10_001),
            call(5, delay_us=None, loss_ppm=900_000),
            call(6, delay_us=None, video_mos_x100=350),
            call(7, loss_ppm=None, video_mos_x100=349),
        ]
    )
    expected = {"measured": 4, "within": 1, "video_measured": 2, "video_within": 1}
    assert evidence.experience(records, **SPAN, service="S-1", limits=limits) == expected
    upkeep(records)
    assert evidence.experience(records, **SPAN, service="S-1", limits=limits) == expected


def test_limits_keep_the_units_of_the_agreement() -> None:
    assert evidence.Limits.of("150", "29.9995", "0.25", "3.501") == evidence.Limits(150_000, 29_999, 2500, 351)


@given(st.integers(-(10**15), 10**15), st.integers(1, 9))
def test_decimals_are_exact_and_short(value: int, scale: int) -> None:
    text = evidence.decimal(value, scale)
    assert Fraction(text) == Fraction(value, 10**scale)
    assert not ("." in text and text.endswith(("0", ".")))
    assert "e" not in text.lower()
