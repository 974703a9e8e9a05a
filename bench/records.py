"""The store of measurements: durable ingest, size, sealing, questions from roll-ups, search, readers during merges.

Beside it, in the same run, SQLite (ingest, size) and a plain DuckDB file (size, questions).

./clearline bench records [--calls 3000000] [--days 30] [--queries 1000] [--kills 0] [--keep DIRECTORY]

30,000,000 calls take about twenty minutes and 5 GB of disk.
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
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import duckdb
from _made_calls import FIRST_DAY, TENANT, a_day, keep_up, write_and_merge

from clearline.records import check, evidence, figures, seal, search
from clearline.records.columns import record_schema, to_rows
from clearline.records.engines.duck import MEMORY_LIMIT
from clearline.records.errors import RecordsError
from clearline.records.rolling import DERIVED, roll_up_months
from clearline.records.schema import CALLS, DAY_US, CallRecord
from clearline.records.spool import encode
from clearline.records.store import Records

PARTS = ("spool", "merge", "index", "roll-ups")
SEAL_MIB = seal.SEAL_BYTES // 2**20
LIMITS = evidence.Limits.of("150", "30", "1", "3.5")


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
    """Spool, seal and roll up the days, the upkeep in a process of its own; prints what one day took."""
    taken, processor, memory = [], [], 0.0
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as upkeeper:
        for day in range(FIRST_DAY, FIRST_DAY + days):
            table = a_day(day, per_day)
            for batch in table.to_batches(max_chunksize=10_000):
                records._writer.append(encode(CALLS, batch))  # noqa: SLF001  # made rows need no dataclasses
            parts, busy, memory = upkeeper.submit(keep_up, records.path, day).result()
            taken.append(sum(parts))
            processor.append(busy)
            said = ", ".join(f"{name} {part:.1f}" for name, part in zip(PARTS, parts, strict=True))
            done = f"sealed and rolled up in {taken[-1]:5.1f} s, processor {busy:5.1f}"
            print(f"  day {day - FIRST_DAY + 1:2}: {done} ({said})", flush=True)
    middle, busiest = statistics.median(taken), statistics.median(processor)
    said = f"median {middle:.1f} s (processor {busiest:.1f}), best {min(taken):.1f}, worst {max(taken):.1f}"
    print(f"a day of {per_day:,} calls sealed and rolled up: {said}")
    print(
        f"  peak memory of the upkeep {memory:,.0f} MiB (DuckDB may take {MEMORY_LIMIT}; {SEAL_MIB} MiB sealed at once)"
    )


def month(records: Records) -> None:
    """Roll the month up, which in daily life happens once, after its last day."""
    with seal.maintenance(records):
        taken, _ = timed(lambda: roll_up_months(records))
    print(f"the month rolled up from its days in {taken:.1f} s")


def sizes(records: Records) -> None:
    files = records.manifest.live().files
    rows = sum(file.rows for file in files if file.table == "calls")
    for table in ("calls", *DERIVED, "index"):
        size = sum(file.bytes for file in files if file.table == table)
        print(f"  {table:15} {size / rows:6.1f} bytes a call ({size / 2**20:,.0f} MiB)")


def questions(records: Records, days: int) -> None:
    whole = {"tenant": TENANT, "since_us": FIRST_DAY * DAY_US, "until_us": (FIRST_DAY + days) * DAY_US}
    one = {"tenant": TENANT, "since_us": FIRST_DAY * DAY_US, "until_us": (FIRST_DAY + 1) * DAY_US}
    noon_us = (FIRST_DAY + days // 2) * DAY_US + DAY_US // 2
    some = records.calls(tenant=TENANT, since_us=noon_us, until_us=noon_us + 10 * 60_000_000)[0]
    one_service, one_customer = {"service": ["S-00007"]}, {"customer": ["C-00007"]}
    late: dict[str, Any] = {"permille": 950, "measure": "post_dial_delay_us", "by": ["customer"]}
    asked: dict[str, Callable[[], Any]] = {
        "month MOS of all customers": lambda: figures.totals(records, **whole, by=["customer"]),
        "worst trunks": lambda: figures.totals(records, **whole, by=["trunk"]),
        "month of one service": lambda: figures.totals(records, **whole, by=["profile"], where=one_service),
        "day's site hours, p5 MOS": lambda: figures.percentile(records, **one, permille=50, by=["site", "hour_us"]),
        "MOS histogram, all": lambda: figures.histogram(records, **whole),
        "MOS histogram, one customer": lambda: figures.histogram(records, **whole, where=one_customer),
        "post-dial delay p95 by customer": lambda: figures.percentile(records, **whole, **late),
        "experience, one service (rows)": lambda: [
            evidence.experience(records, **whole, service="S-00007", limits=LIMITS)
        ],
        "search by number": lambda: search.search(records, **whole, number="+12500050007"),
        "search by Call-ID": lambda: search.search(records, **whole, call_id=some.call_id),
    }
    for name, question in asked.items():
        print(f"  {name:34} {median_ms(question)}", flush=True)


def peer(records: Records, root: Path) -> None:
    """The same calls in a plain DuckDB file, asked without roll-ups."""
    paths = [str(records.path / file.path) for file in records.manifest.live(["calls"]).files]
    path = root / "peer.duckdb"
    base = duckdb.connect(str(path), config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    base.execute("SET enable_progress_bar = false")
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


def readers(root: Path, queries: int) -> int:
    """Ask while another process writes and merges. Returns how many answers failed or were wrong."""
    path = root / "merging"
    path.mkdir()
    context = get_context("spawn")
    begun, kept = context.Value("q", 0), context.Value("q", 0)
    writer = context.Process(target=write_and_merge, args=(path, begun, kept))
    writer.start()
    records, span = Records(path), (FIRST_DAY * DAY_US, (FIRST_DAY + 4) * DAY_US)
    wrong, taken = 0, []
    while not kept.value:
        time.sleep(0.1)
    for _ in range(queries):
        least, start = kept.value, time.perf_counter()
        try:
            found = figures.totals(records, tenant=TENANT, since_us=span[0], until_us=span[1])
        except RecordsError as error:
            print(f"  {error}")
            found, wrong = [], wrong + 1
        else:
            seen = found[0]["attempts"] if found else 0
            wrong += not least <= seen <= begun.value
        taken.append(time.perf_counter() - start)
    calls, begun.value = kept.value, -(10**9)
    writer.join()
    middle, last = statistics.median(taken) * 1000, sorted(taken)[len(taken) * 99 // 100] * 1000
    print(f"{queries} questions while {calls // 50} batches were written and merged: {wrong} wrong or failed; ", end="")
    print(f"median {middle:.0f} ms, p99 {last:.0f} ms")
    return wrong


def kills(root: Path, times: int) -> bool:
    """kill -9 a writer and the upkeep at random moments; then nothing acknowledged may be missing or doubled."""
    environment = {**os.environ, "CLEARLINE_TEST_KILLS": str(times)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/records/test_kill.py", f"--basetemp={root / 'kills'}"]
    done = subprocess.run(command, check=False, env=environment)
    print(f"{times} kills: {'nothing lost, nothing doubled' if done.returncode == 0 else 'FAILED'}")
    return done.returncode == 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="clearline bench records", description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000_000, help="calls in all")
    parser.add_argument("--days", type=int, default=30, help="days they are spread over")
    parser.add_argument("--keep", type=Path, help="directory to work in and keep (else a temporary one)")
    parser.add_argument("--queries", type=int, default=200, help="questions asked while files are merged")
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
    month(records)
    sizes(records)
    questions(records, options.days)
    peer(records, root)
    report = check.check(records) if options.calls <= 3_000_000 else None
    if report is not None:
        print(f"check: {report.files} files, {len(report.problems)} problems (roll-ups equal their recomputation)")
    print(f"peak memory of this process, which makes the calls up: {getrusage(RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    failed = readers(root, options.queries) if options.queries else 0
    if options.kills:
        failed += not kills(root, options.kills)
    if options.keep is None:
        shutil.rmtree(root)
    return 1 if failed else 0


if __name__ == "__main__":
    random.seed(1)
    sys.exit(main(sys.argv[1:]))
