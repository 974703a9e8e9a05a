"""Every question to every engine: are the answers the same, to the last digit, and how long does each take.

First a small month with all that engines could see differently (that of the tests), then a large one. Engines that are
not on this machine are named and left out. Spark is a master and workers on this machine.

./clearline bench engines [--calls 1000000] [--days 60] [--workers 2]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import records as bench_records  # bench/records.py, beside this file

from clearline.records import attributing, evidence, figures, query, rollup, search, snapshot
from clearline.records.columns import stored_schema
from clearline.records.engines import spark
from clearline.records.engines.cluster import local_cluster
from clearline.records.schema import CALLS, DAY_US
from clearline.records.store import Records

Questions = dict[str, Callable[[Records], Any]]
TENANT, FIRST_DAY = bench_records.TENANT, bench_records.FIRST_DAY


@contextmanager
def engines(root: Path, workers: int) -> Iterator[dict[str, str | None]]:
    """The engines there are, by name, with their addresses."""
    found: dict[str, str | None] = {"duckdb": None}
    with ExitStack() as stack:
        if find_spec("chdb"):
            found["chdb"] = "chdb"
        else:
            print("without ClickHouse: chdb is not installed")
        if lacking := spark.missing():
            print(f"without Spark: {lacking}")
        else:
            began = time.perf_counter()
            running = stack.enter_context(local_cluster(root / "spark", workers))
            os.environ["SPARK_CONF_DIR"] = str(running.configuration)
            found["spark"] = running.master
            print(f"Spark: a master and {workers} workers up in {time.perf_counter() - began:.1f} s", flush=True)
        yield found


def large_month(path: Path, calls: int, days: int) -> tuple[Records, Questions]:
    """Sealed days, some corrections that are not, and some rows in no file yet."""
    records = Records(path)
    bench_records.fill(records, days, calls // days)
    month = {"tenant": TENANT, "since_us": FIRST_DAY * DAY_US, "until_us": (FIRST_DAY + days) * DAY_US}
    day = {**month, "until_us": (FIRST_DAY + 1) * DAY_US}
    name = snapshot.take(records, **month, who="bench", why="bench")
    hour = {**month, "since_us": month["until_us"] - DAY_US // 24}
    some = [row for row in records.calls(**hour) if row.mos_x100 is not None][:1000]
    records.revise([replace(row, mos_x100=100) for row in some], who="bench", why="bench")
    service = "S-00003"
    return records, {
        "totals": partial(figures.totals, **month),
        "totals by customer": partial(figures.totals, **month, by=["customer"]),
        "totals by trunk and day": partial(figures.totals, **month, by=["trunk", "day_us"]),
        "day's totals by site and hour": partial(figures.totals, **day, by=["site", "hour_us"]),
        "day's p5 of MOS by site and hour": partial(figures.percentile, **day, permille=50, by=["site", "hour_us"]),
        "MOS histogram by customer": partial(figures.histogram, **month, by=["customer"]),
        "p95 of post-dial delay by customer": partial(
            figures.percentile, **month, permille=950, measure="post_dial_delay_us", by=["customer"]
        ),
        "voice of a service": lambda r: evidence.voice(r, **month, service=service),
        "experience of a service": lambda r: evidence.experience(r, **month, service=service, limits=LIMITS),
        "search for a number": lambda r: search.search(r, **month, number="+12500050007"),
        "search for a Call-ID": lambda r: search.search(r, **month, call_id=some[0].call_id),
        "unattributed": lambda r: attributing.unattributed(r, **month).to_pylist(),
        "snapshot taken again": lambda r: snapshot.recompute(r, name),
        "difference since": lambda r: snapshot.difference(r, name),
        "every sum by hour and day, from the rows": partial(made_anew, definition=rollup.CELLS.day),
        "every histogram, from the rows": partial(made_anew, definition=rollup.BUCKETS.day),
    }


LIMITS = bench_records.LIMITS


def made_anew(records: Records, definition: Callable[[Any], Any]) -> Any:
    """A roll-up of all rows in one go."""
    paths = [str(records.path / file.path) for file in records.manifest.live(["calls"]).files]
    rows = records.engine.relation(stored_schema(CALLS), paths)
    made = records.engine.fetch(definition(query.resolved(rows)))
    return made.sort_by([(name, "ascending") for name in made.column_names])


def ask_all(records: Records, asked: Questions, urls: dict[str, str | None]) -> int:
    """Ask each engine each question, print the times and what differs.

    Returns:
        How many answers differ from DuckDB's.
    """
    stores = {name: records if url is None else Records(records.path, engine_url=url) for name, url in urls.items()}
    print(f"  {'milliseconds':42}" + "".join(f"{name:>10}" for name in stores), flush=True)
    differing = 0
    sums = dict.fromkeys(stores, 0.0)
    for what, question in asked.items():
        answers = {}
        times = []
        for name, store in stores.items():
            taken, answers[name] = bench_records.timed(partial(question, store))
            sums[name] += taken
            times.append(f"{taken * 1000:10.0f}")
        wrong = [name for name, answer in answers.items() if answer != answers["duckdb"]]
        differing += len(wrong)
        print(f"  {what:42}" + "".join(times) + (f"  DIFFERS: {', '.join(wrong)}" if wrong else ""), flush=True)
    ratios = ", ".join(f"{name} {taken / sums['duckdb']:.1f}" for name, taken in sums.items() if name != "duckdb")
    print(f"  all {len(asked)}: {differing} differ; times DuckDB's: {ratios}")
    for name, store in stores.items():
        if name != "duckdb":
            store.engine.close()
    return differing


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="clearline bench engines", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls in the large month")
    parser.add_argument("--days", type=int, default=60, help="days they are spread over")
    parser.add_argument("--workers", type=int, default=2, help="Spark's workers")
    options = parser.parse_args(argv)
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.records.month import a_month  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="clearline-bench-") as name:
        root = Path(name)
        with engines(root, options.workers) as urls:
            small, asked = a_month(root / "small")
            print("a small month of everything")
            differing = ask_all(small, asked, urls)
            large, asked = large_month(root / "large", options.calls, options.days)
            print(f"{options.calls:,} calls over {options.days} days")
            differing += ask_all(large, asked, urls)
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
