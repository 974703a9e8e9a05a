"""Made-up calls for `bench records`, and what it lets other processes do with them."""

import time
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pyarrow as pa

from clearline.records import seal
from clearline.records.columns import record_schema, stored_schema, to_rows
from clearline.records.index import index_days
from clearline.records.rolling import roll_up_days
from clearline.records.schema import CALLS, DAY_US, record_key
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

FIRST_DAY = 20_697  # 2026-09-01: 30 days are a calendar month
CUSTOMERS, TRUNKS, NUMBERS = 600, 40, 200
CODECS = np.array(["PCMA", "PCMU", "G722", "opus", "G729"])
TENANT = "bench"


def a_day(day: int, count: int) -> pa.Table:
    """Made-up calls of one UTC day, seeded by the day."""
    rng = np.random.default_rng(day)
    customer = np.minimum(rng.zipf(1.3, count) - 1, CUSTOMERS - 1)
    site = rng.integers(0, 3, count)
    start = day * DAY_US + rng.integers(0, DAY_US, count)
    answered = rng.random(count) < 0.8
    measured = answered & (rng.random(count) < 0.97)
    delay_us = (rng.gamma(4, 300_000, count)).astype(np.int64)
    talk = np.where(answered, rng.gamma(1.2, 150_000_000, count).astype(np.int64) // 1000 * 1000, 0)
    loss = (rng.gamma(0.3, 4000, count)).astype(np.int64) // 100 * 100
    mos = np.clip(441 - loss // 150 - rng.integers(0, 12, count), 100, 450)
    identity, call_id = rng.bytes(12 * count).hex(), rng.bytes(16 * count).hex()
    own = rng.integers(0, NUMBERS, count)
    other = rng.integers(10**9, 10**10 - 1, count)
    columns: dict[str, Any] = {
        "key": [identity[i * 24 : i * 24 + 24] for i in range(count)],
        "tenant": pa.repeat(TENANT, count),
        "customer": _named("C-{:05d}", CUSTOMERS, customer),
        "service": _named("S-{:05d}", CUSTOMERS, customer),
        "call_id": [call_id[i * 32 : i * 32 + 32] for i in range(count)],
        "caller": [
            f"+1{200 + c % 700:03d}{c:04d}{n:03d}" for c, n in zip(customer.tolist(), own.tolist(), strict=True)
        ],
        "callee": [f"+1{n}" for n in other.tolist()],
        "start_us": start,
        "answered_us": pa.array(start + delay_us, mask=~answered),
        "end_us": start + delay_us + talk,
        "final_code": np.where(answered, 200, rng.choice([486, 487, 404, 503, 480], count)),
        "talk_us": pa.array(talk, mask=~answered),
        "post_dial_delay_us": delay_us // 1000 * 1000,
        "mos_x100": pa.array(mos, mask=~measured),
        "mos_basis": pa.array(np.array(["cq", "lq"])[(rng.random(count) < 0.3).astype(int)], mask=~measured),
        "mos_lq_x100": pa.array(mos + 2, mask=~measured),
        "mos_cq_x100": pa.array(mos, mask=~measured),
        "loss_ppm": pa.array(loss, mask=~measured),
        "jitter_us": pa.array(rng.gamma(2, 1500, count).astype(np.int64) // 100 * 100, mask=~measured),
        "delay_us": pa.array(rng.gamma(8, 6000, count).astype(np.int64) // 1000 * 1000, mask=~measured),
        "codec": pa.array(CODECS[rng.choice(5, count, p=[0.4, 0.3, 0.1, 0.1, 0.1])], mask=~measured),
        "source": pa.repeat("capture", count),
        "code_version": pa.repeat("1.0.0", count),
        "profile": pa.repeat("planning", count),
        "site": _named("L-{:05d}", CUSTOMERS * 3, customer * 3 + site),
        "trunk": _named("trunk-{:02d}", TRUNKS, (customer * 7 + rng.integers(0, 3, count)) % TRUNKS),
        "direction": _named(["out", "in"], 2, rng.integers(0, 2, count)),
    }
    schema = stored_schema(CALLS)
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else _default(f, count) for f in schema]
    return pa.table(arrays, schema=schema)


def _named(form: str | list[str], count: int, index: "np.ndarray[Any, Any]") -> pa.Array:
    names = form if isinstance(form, list) else [form.format(i) for i in range(count)]
    return pa.array(names).take(pa.array(index))


def _default(field: pa.Field, count: int) -> pa.Array:
    if field.nullable:
        return pa.nulls(count, field.type)
    return pa.repeat(pa.scalar(1 if field.name == "recorded_us" else 0, field.type), count)


def keep_up(path: Path, day: int) -> tuple[list[float], float, float]:
    """Seal, merge, index and roll up a day.

    Returns:
        What each took, s; the processor's time for all, s; this process's peak of memory, MiB.
    """
    records, marks, busy = Records(path), [time.perf_counter()], time.process_time()
    with seal.maintenance(records):
        for act in (
            lambda: seal.seal_spool(records),
            lambda: seal.seal_days(records, 0, day + 1),
            lambda: index_days(records, day, day + 1),
            lambda: roll_up_days(records, day, day + 1),
        ):
            act()
            marks.append(time.perf_counter())
        seal.collect(records, -1)
    parts = [after - before for before, after in pairwise(marks)]
    return parts, time.process_time() - busy, getrusage(RUSAGE_SELF).ru_maxrss / 1024


def write_and_merge(path: Path, begun: Any, kept: Any) -> None:
    """Append batches over three days and merge after each, until told to stop by a negative count."""
    records, days = Records(path), 3
    rows = to_rows(CALLS, a_day(FIRST_DAY, 1000).select(record_schema(CALLS).names))
    for number in count():
        if begun.value < 0:
            return
        moved = [
            replace(row, key=record_key(number, n), start_us=row.start_us + number % days * DAY_US)
            for n, row in enumerate(rows[:50])
        ]
        begun.value += len(moved)
        records.append(moved)
        kept.value += len(moved)
        upkeep(records, grace_us=2_000_000)
