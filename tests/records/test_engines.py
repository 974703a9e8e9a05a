"""The definitions are Ibis expressions, so other engines have words for them too."""

import ibis
import pytest

from clearline.records import query, rollup
from clearline.records.columns import stored_schema
from clearline.records.engines.duck import Plan, compiled, to_ibis
from clearline.records.schema import CALLS

CALLS_TABLE = ibis.table(to_ibis(stored_schema(CALLS)), name="calls")


@pytest.mark.parametrize("dialect", ["duckdb", "clickhouse", "pyspark", "postgres"])
@pytest.mark.parametrize("definition", [query.resolved, query.superseded, rollup.CELLS.day, rollup.BUCKETS.day])
def test_every_definition_has_words_in_every_dialect(dialect: str, definition: object) -> None:
    assert callable(definition)
    assert "SELECT" in str(ibis.to_sql(definition(CALLS_TABLE), dialect=dialect))


def test_no_sum_is_floating_point() -> None:
    for define in (rollup.CELLS.day, rollup.BUCKETS.day):
        kinds = define(CALLS_TABLE).schema().types
        assert not [kind for kind in kinds if kind.is_floating() or kind.is_decimal()]
    assert "DOUBLE" not in compiled(Plan(to_ibis(stored_schema(CALLS)), (rollup.CELLS.day,)))
