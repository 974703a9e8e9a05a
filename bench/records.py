"""The store of measurements: durable ingest, size, sealing, questions from roll-ups, search.

Beside it, in the same run, SQLite (ingest, size) and a plain DuckDB file (size, questions).

./clearline bench records [--calls 3000000] [--days 30] [--keep DIRECTORY] [--kills 0]
"""

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from clearline.records import check, evidence, figures, seal, search
from clearline.records.columns import record_schema, stored_schema, to_rows
from clearline.records.schema import CALLS, DAY_US, CallRecord
from clearline.records.spool import encode
from clearline.records.store import Records
from clearline.records.upkeep import refresh

FIRST_DAY = 20_700  # 2026-09-04
CUSTOMERS, TRUNKS, NUMBERS = 600, 40, 200
CODECS = np.array(["PCMA", "PCMU", "G722", "opus", "G729"])
TENANT = "bench"
LIMITS = evidence.Limits.of("150", "30", "1", "3.5")


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


def timed(question: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = question()
    return time.perf_counter() - began, answer


def median_ms(question: Callable[[], Any], runs: int = 5) -> str:
    """Median time of some runs after a first; the processor's time beside it says what a busy machine cost."""
    first, answer = timed(question)
    busy = time.process_time()
    taken = [timed(question)[0] for _ in range(runs)]
    busy = (time.process_time() - busy) / runs
    middle, worst = statistics.median(taken) * 1000, max(taken) * 1000
    others = f"(first {first * 1000:.0f}, worst {worst:.0f}; {len(answer)} rows)"
    return f"{middle:7.1f} ms, processor {busy * 1000:6.1f} {others}"


def ingest(root: Path, rows: list[CallRecord]) -> float:
    records = Records(root / "ingest")
    records.append(rows[:500])
    began = time.perf_counter()
    for start in range(500, len(rows), 500):
        records.append(rows[start : start + 500])
    return (len(rows) - 500) / (time.perf_counter() - began)


def ingest_sqlite(root: Path, rows: list[CallRecord]) -> tuple[float, float]:
    """The peer: the same rows into SQLite, WAL and synchronous FULL, key indexed. Returns rows/s and bytes a row."""
    names = [f.name for f in fields(CallRecord)]
    path = root / "peer.sqlite3"
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute(f"CREATE TABLE calls ({', '.join(names)}, UNIQUE (tenant, key))")
    values = [[getattr(row, name) for name in names] for row in rows]
    insert = f"INSERT OR IGNORE INTO calls VALUES ({', '.join('?' * len(names))})"  # noqa: S608  # our own names
    began = time.perf_counter()
    for start in range(0, len(values), 500):
        base.execute("BEGIN IMMEDIATE")
        base.executemany(insert, values[start : start + 500])
        base.execute("COMMIT")
    taken = time.perf_counter() - began
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    return len(rows) / taken, path.stat().st_size / len(rows)


def fill(records: Records, days: int, per_day: int) -> None:
    """Spool, seal and roll up the days; prints what one day took."""
    taken = []
    for day in range(FIRST_DAY, FIRST_DAY + days):
        table = a_day(day, per_day)
        for batch in table.to_batches(max_chunksize=10_000):
            records._writer.append(encode(CALLS, batch))  # noqa: SLF001  # made rows need no dataclasses
        began = time.perf_counter()
        with seal.maintenance(records):
            seal.seal_spool(records)
            sealing = time.perf_counter() - began
            seal.seal_days(records, 0, day + 1)
            merging = time.perf_counter() - began - sealing
            refresh(records)
            seal.collect(records, -1)
        taken.append(time.perf_counter() - began)
        parts = f"spool {sealing:.1f}, merge {merging:.1f}"
        print(f"  day {day - FIRST_DAY + 1:2}: sealed and rolled up in {taken[-1]:5.1f} s ({parts})", flush=True)
    middle = statistics.median(taken)
    print(f"a day of {per_day:,} calls sealed and rolled up: median {middle:.1f} s, worst {max(taken):.1f} s")


def sizes(records: Records) -> None:
    files = records.manifest.live().files
    rows = sum(file.rows for file in files if file.table == "calls")
    for table in ("calls", "rollup", "histogram", "index"):
        size = sum(file.bytes for file in files if file.table == table)
        print(f"  {table:10} {size / rows:6.1f} bytes a call ({size / 2**20:,.0f} MiB)")


def questions(records: Records, days: int) -> None:
    month = {"tenant": TENANT, "since_us": FIRST_DAY * DAY_US, "until_us": (FIRST_DAY + days) * DAY_US}
    one = {"tenant": TENANT, "since_us": FIRST_DAY * DAY_US, "until_us": (FIRST_DAY + 1) * DAY_US}
    some = to_rows(CALLS, a_day(FIRST_DAY + days // 2, 1000).slice(500, 1))[0]
    one_service, one_customer = {"service": ["S-00007"]}, {"customer": ["C-00007"]}
    late: dict[str, Any] = {"permille": 950, "measure": "post_dial_delay_us", "by": ["customer"]}
    asked: dict[str, Callable[[], Any]] = {
        "month MOS of all customers": lambda: figures.totals(records, **month, by=["customer"]),
        "worst trunks": lambda: figures.totals(records, **month, by=["trunk"]),
        "month of one service": lambda: figures.totals(records, **month, by=["profile"], where=one_service),
        "day's site hours, p5 MOS": lambda: figures.percentile(records, **one, permille=50, by=["site", "hour_us"]),
        "MOS histogram, one customer": lambda: figures.histogram(records, **month, where=one_customer),
        "post-dial delay p95 by customer": lambda: figures.percentile(records, **month, **late),
        "experience, one service (rows)": lambda: [
            evidence.experience(records, **month, service="S-00007", limits=LIMITS)
        ],
        "search by number": lambda: search.search(records, **month, number="+12500050007"),
        "search by Call-ID": lambda: search.search(records, **month, call_id=some.call_id),
    }
    for name, question in asked.items():
        print(f"  {name:34} {median_ms(question)}", flush=True)


def peer(records: Records, root: Path) -> None:
    """The same calls in a plain DuckDB file, asked without roll-ups."""
    paths = [str(records.path / file.path) for file in records.manifest.live(["calls"]).files]
    path = root / "peer.duckdb"
    base = duckdb.connect(str(path), config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    load = f"CREATE TABLE calls AS SELECT * FROM read_parquet({paths})"  # noqa: S608  # our own paths
    taken, _ = timed(lambda: base.execute(load))
    base.execute("CHECKPOINT")
    rows = base.execute("SELECT count(*) FROM calls").fetchone()[0]
    print(f"DuckDB file: {path.stat().st_size / rows:.1f} bytes a call, loaded from the sealed files in {taken:.1f} s")
    day = FIRST_DAY * DAY_US
    asked = {
        "month MOS of all customers": "SELECT customer, sum(mos_x100), count(mos_x100) FROM calls GROUP BY 1",
        "worst trunks": "SELECT trunk, count(*) FILTER (mos_x100 < 360), count(mos_x100) FROM calls GROUP BY 1",
        "day's site hours, p5 MOS": "SELECT site, start_us // 3600000000, quantile_disc(mos_x100, 0.05) FROM calls "  # noqa: S608  # a number of ours
        f"WHERE start_us < {day + DAY_US} GROUP BY 1, 2",
        "MOS histogram, one customer": "SELECT mos_x100, count(*) FROM calls WHERE customer = 'C-00007' GROUP BY 1",
        "search by number": "SELECT * FROM calls WHERE caller = '+12500050007' OR callee = '+12500050007'",
        "search by Call-ID": "SELECT * FROM calls WHERE call_id = '0123456789abcdef0123456789abcdef'",
    }
    for name, sql in asked.items():
        print(f"  {name:34} {median_ms(lambda sql=sql: base.execute(sql).fetchall(), 3)}", flush=True)
    base.close()


def kills(root: Path, count: int) -> None:
    """kill -9 a writer and the upkeep at random moments; then nothing acknowledged may be missing or doubled."""
    environment = {**os.environ, "CLEARLINE_TEST_KILLS": str(count)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/records/test_kill.py", f"--basetemp={root / 'kills'}"]
    done = subprocess.run(command, check=False, env=environment)
    print(f"{count} kills: {'nothing lost, nothing doubled' if done.returncode == 0 else 'FAILED'}")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="clearline bench records", description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000_000, help="calls in all")
    parser.add_argument("--days", type=int, default=30, help="days they are spread over")
    parser.add_argument("--keep", type=Path, help="directory to work in and keep (else a temporary one)")
    parser.add_argument("--kills", type=int, default=0, help="how often to kill -9 a writer and the upkeep")
    options = parser.parse_args(argv)
    root = options.keep or Path(tempfile.mkdtemp(prefix="clearline-bench-"))
    root.mkdir(parents=True, exist_ok=True)
    rows = to_rows(CALLS, a_day(FIRST_DAY, 100_000).select(record_schema(CALLS).names))
    print("durable ingest, 100,000 calls in batches of 500")
    ours = ingest(root, rows)
    theirs, size = ingest_sqlite(root, rows)
    print(f"  spool {ours:,.0f} records/s; SQLite (WAL, FULL) {theirs:,.0f}: {ours / theirs:.1f} times")
    print(f"  SQLite's file: {size:.0f} bytes a call")
    records = Records(root / "records")
    fill(records, options.days, options.calls // options.days)
    print(f"sealed, {options.calls:,} calls over {options.days} days")
    sizes(records)
    questions(records, options.days)
    peer(records, root)
    report = check.check(records) if options.calls <= 3_000_000 else None
    if report is not None:
        print(f"check: {report.files} files, {len(report.problems)} problems (roll-ups equal their recomputation)")
    print(f"peak memory of this process: {getrusage(RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    if options.kills:
        kills(root, options.kills)
    if options.keep is None:
        shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    random.seed(1)
    sys.exit(main(sys.argv[1:]))
