"""Every column has its meaning, and what is published is what is kept."""

import json
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from tests.records.make import call, sample, stream

from clearline.records.columns import ADMINISTRATIVE, record_schema
from clearline.records.meanings import MEANINGS, STORED, page, schema
from clearline.records.schema import TABLES, Table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_published_schema_is_that_of_the_table(table: Table) -> None:
    name = f"record-{table.name.replace('_', '-')}.json"
    assert json.loads((DOCS / "schemas" / name).read_text()) == schema(table), "run tools/schemas"


def test_the_page_of_columns_is_that_of_the_tables() -> None:
    assert (DOCS / "columns.md").read_text() == page(list(TABLES.values())), "run tools/schemas"


def test_every_column_has_a_meaning_and_no_meaning_is_of_no_column() -> None:
    kept = {name for table in TABLES.values() for name in record_schema(table).names}
    assert kept | set(STORED) == set(MEANINGS)
    assert list(STORED) == ADMINISTRATIVE.names


def test_records_are_valid_by_their_schemas() -> None:
    for row, name in ((call(1), "calls"), (sample(1), "probe_samples"), (stream(1), "streams")):
        jsonschema.Draft202012Validator(schema(TABLES[name])).validate(asdict(row))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema(TABLES["calls"])).validate({**asdict(call(1)), "mos_x100": 4.3})
