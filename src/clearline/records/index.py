"""The search index of a day: hashes of numbers and Call-IDs, and where the calls with them lie."""

from typing import TYPE_CHECKING

import pyarrow as pa

from clearline.records import parquet
from clearline.records.columns import stored_schema
from clearline.records.engines.duck import Plan, to_ibis
from clearline.records.manifest import File
from clearline.records.rolling import by_day, whole_day
from clearline.records.schema import CALLS
from clearline.records.seal import SEALED

if TYPE_CHECKING:
    from clearline.records.store import Records

INDEX = "index"
INDEX_SCHEMA = pa.schema([("hash", pa.int64()), ("customer", pa.string()), ("start_us", pa.int64())])


def made_of(file: File) -> tuple[str, ...]:
    """What an index of a file says it was made of: its very bytes, since it holds hashes of identities."""
    return ("definition:index-2", file.sha256)


def index_days(records: "Records", since_day: int, until_day: int) -> list[int]:
    """Index the sealed days in [since, until) that have no index of what they hold now. Needs the maintenance lock.

    A day that is not sealed has none: its rows are read.

    Returns:
        The days indexed.
    """
    files = records.manifest.live((CALLS.name, INDEX), since_day, until_day).files
    known = by_day(files, INDEX)
    done = []
    for day, calls in sorted(by_day(files, CALLS.name).items()):
        old = known.get(day, [])
        if len(calls) == 1 and calls[0].level == SEALED and [file.made_of for file in old] != [made_of(calls[0])]:
            _make(records, calls[0], old)
            done.append(day)
    return done


def _make(records: "Records", calls: File, old: list[File]) -> None:
    path = parquet.new_path(INDEX, calls.day)
    temporary = (records.path / path).with_suffix(".tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    killed = [file.path for file in old]
    about = {parquet.FOOTER: parquet.footer(INDEX, calls.day, 0, made_of=made_of(calls), merges=killed)}
    with records.exclusive():
        whole_day(records, [calls])
        records.maker.write_index(Plan(to_ibis(stored_schema(CALLS)), ()), temporary, about)
    records.manifest.commit(add=[parquet.settle(records.path, path)], kill=killed, now_us=records.now_us())
