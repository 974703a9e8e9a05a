"""Every question has on every engine the answer DuckDB gives, which other tests hold to plain Python.

The engines run for real: ClickHouse as a library, Spark as a master and two workers.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.records.make import NOON, call
from tests.records.month import FIRST, ONE_OF_EACH, SPAN, a_month, questions

from clearline.records import parquet, query, rollup
from clearline.records.columns import stored_schema, to_batch
from clearline.records.errors import RecordsError, StoreDamagedError
from clearline.records.schema import CALLS, DAY_US
from clearline.records.store import Records

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("engines"),
    # pyspark leaves the sockets of its answers to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
Questions = dict[str, Callable[[Records], Any]]
SPARK = pytest.mark.slow
ENGINES = ["chdb", pytest.param("spark", marks=SPARK)]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Questions]:
    return a_month(tmp_path_factory.mktemp("month") / "it's a store")


@pytest.fixture(params=ENGINES, scope="module")
def engine_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(scope="module")
def other(month: tuple[Records, Questions], engine_url: str) -> Iterator[Records]:
    """The month's store, answered for by another engine."""
    records = Records(month[0].path, engine_url=engine_url)
    yield records
    records.engine.close()


@pytest.mark.parametrize(
    ("engine_url", "question"),
    [("chdb", question) for question in questions("", "", "")]
    + [pytest.param("spark", question, marks=SPARK) for question in ONE_OF_EACH],
    indirect=["engine_url"],
    scope="module",
)
def test_a_question_has_the_same_answer(month: tuple[Records, Questions], other: Records, question: str) -> None:
    records, asked = month
    answer = asked[question](records)
    assert answer or "nothing" in question or "nobody" in question
    assert asked[question](other) == answer


def rolled_up(kind: rollup.Kind, rows: ir.Table) -> ir.Table:
    """Every hour and day, and what they add up to."""
    days = kind.day(query.resolved(rows))
    return days.union(rollup.Month(kind, FIRST)(days.filter(days.grain == "day")))


@pytest.mark.parametrize(
    "definition",
    [query.superseded, query.Merged("start_us"), partial(rolled_up, rollup.CELLS), partial(rolled_up, rollup.BUCKETS)],
    ids=["superseded", "merged", "all cells", "all buckets"],
)
def test_what_files_are_made_by_would_make_the_same_rows(
    month: tuple[Records, Questions], other: Records, definition: Callable[[Any], Any]
) -> None:
    made = []
    for records in (month[0], other):
        paths = [str(records.path / file.path) for file in records.manifest.live(["calls"]).files]
        expression = definition(records.engine.relation(stored_schema(CALLS), paths))
        rows = records.engine.fetch(expression)
        made.append(rows.sort_by([(name, "ascending") for name in rows.column_names]))
    assert len(made[0])
    assert made[0].to_pylist() == made[1].to_pylist()


@pytest.fixture
def small(tmp_path: Path, engine_url: str) -> Iterator[Records]:
    records = Records(tmp_path / "records", engine_url=engine_url)
    yield records
    records.engine.close()
    records.close()


def add_file(records: Records, rows: pa.Table) -> Path:
    day = NOON // DAY_US
    assert records.manifest.live().files == []
    file = parquet.write(
        records.path, parquet.new_path("calls", day), rows, parquet.footer("calls", day, 9, made_of=["x"])
    )
    records.manifest.commit(add=[file], now_us=1)
    return records.path / file.path


def test_an_older_file_without_newer_columns_is_readable(small: Records) -> None:
    rows = pa.Table.from_batches([to_batch(CALLS, [call(1, trunk="gone")], 1)])
    add_file(small, rows.drop_columns(["trunk", "video_mos_x100", "attributed_by"]))
    assert small.calls(**SPAN) == [call(1, trunk=None)]


def test_a_question_may_be_put_together_from_more_pieces_than_there_are_days_in_a_quarter(
    tmp_path: Path, chdb: str
) -> None:
    engine = Records(tmp_path, engine_url=chdb).engine
    schema = pa.schema([("moment", pa.int64())])
    some = [engine.relation(schema, [], pa.table([[number]], schema=schema)) for number in range(100)]
    found = engine.fetch(ibis.union(*some)).column("moment").to_pylist()
    assert sorted(found) == list(range(100))
    engine.close()


def test_a_file_that_is_gone_or_damaged_is_a_plain_error_and_never_a_smaller_figure(small: Records) -> None:
    path = add_file(small, pa.Table.from_batches([to_batch(CALLS, [call(1)], 1)]))
    path.write_bytes(b"no Parquet at all" * 100)
    with pytest.raises(StoreDamagedError, match="check"):
        small.calls(**SPAN)
    path.unlink()
    with pytest.raises(StoreDamagedError, match="check"):
        small.calls(**SPAN)
    pq.write_table(pa.Table.from_batches([to_batch(CALLS, [call(1)], 1)]), path)
    assert small.calls(**SPAN) == [call(1)]


def test_an_engine_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    records = Records(tmp_path, engine_url="abacus")
    with pytest.raises(RecordsError, match="duckdb, chdb or spark"):
        records.calls(**SPAN)
