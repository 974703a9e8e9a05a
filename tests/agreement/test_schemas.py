"""The published schemas and the program agree on what a document may be."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.agreement.samples import AGREEMENT, EVIDENCE, ROOT, varied
from tests.agreement.test_properties import agreements, documents, judged

from clearline.agreement.backtest import backtest
from clearline.agreement.evidence import EVIDENCE as EVIDENCE_FORMAT
from clearline.agreement.problems import Report
from clearline.agreement.shapes import Record, published
from clearline.agreement.terms import AGREEMENT as AGREEMENT_FORMAT

FORMATS = {"agreement": (AGREEMENT_FORMAT, AGREEMENT), "evidence": (EVIDENCE_FORMAT, EVIDENCE)}
REPLACEMENTS: list[Any] = [
    None,
    True,
    -1,
    0,
    7,
    99.5,
    "",
    "x",
    "99.9",
    "-1",
    "1e9",
    "2026-10-03T10:00:00Z",
    [],
    {},
    ["x"],
]

IN_TABLE_ONLY = (
    "is before",
    "must be more than",
    "is not a sum of",
    "must be at most",
    "must be at least",
    "names a commit",
)
IN_TABLE_ONLY += (
    "needs the commitment",
    "is given twice",
    "must be from",
    "has a rule already",
    "is missing, and so",
    "is not an IANA",
)
"""Beginnings of what a schema cannot say: how two values of a document fit together, and ranges of decimals."""


@cache
def schema(name: str) -> Draft202012Validator:
    document = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        yield (*at, key)
        yield from places(value, (*at, key))


def mutants(document: Any) -> Iterator[Any]:
    """The document with each of its values replaced in each way, removed, and with a key it does not know."""
    for place in places(document):
        for replacement in [*REPLACEMENTS, "removed", "unknown"]:
            mutant = copy.deepcopy(document)
            parent = mutant
            for key in place[:-1]:
                parent = parent[key]
            if replacement == "removed":
                del parent[place[-1]]
            elif replacement == "unknown" and isinstance(parent[place[-1]], dict):
                parent[place[-1]]["unknown"] = 1
            else:
                parent[place[-1]] = replacement
            yield mutant


@pytest.mark.parametrize("name", FORMATS)
def test_the_published_schema_is_that_of_the_table_that_reads_documents(name: str) -> None:
    shape, _ = FORMATS[name]
    expected = json.loads(json.dumps(published(shape, f"clearline/{name}/1", schema(name).schema["title"])))
    assert schema(name).schema == expected, "run tools/schemas"


@pytest.mark.parametrize("name", FORMATS)
def test_the_schema_accepts_the_sample_and_agrees_with_the_table_on_every_mutant(name: str) -> None:
    shape, sample = FORMATS[name]
    validator = schema(name)
    assert validator.is_valid(sample)
    disagreements = [
        (messages, mutant)
        for mutant in mutants(sample)
        if (messages := refusals(shape, mutant)) is not None and bool(messages) == validator.is_valid(mutant)
    ]
    assert disagreements == []


def refusals(shape: Record, document: Any) -> list[str] | None:
    """Why the table refuses a document; None when only for reasons that a schema cannot say."""
    report = Report("mutant", [])
    shape.read(document, None, report)
    messages = [problem.message for problem in report.problems]
    sayable = [message for message in messages if not message.startswith(IN_TABLE_ONLY)]
    return None if messages and not sayable else sayable


@given(agreements(), documents())
@settings(max_examples=50)
def test_whatever_is_read_and_judged_fits_the_schemas(terms: dict[str, Any], document: dict[str, Any]) -> None:
    statement = judged(terms, document)
    schema("agreement").validate(terms)
    schema("agreement").validate(statement.agreement.document)
    schema("evidence").validate(document)
    schema("statement").validate(statement.to_json())
    compared = backtest(statement.agreement, [statement.evidence]).to_json()
    schema("backtest").validate({"schema": "clearline/backtest/1", **compared, "against": compared})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("total.amount", 200),
        ("seconds.down", -1),
        ("commitments.availability.status", "fine"),
        ("commitments.availability.measured", "99.663"),
        ("credits.0.alternatives", {"full": "0.00"}),
        ("agreement.sha256", "0"),
        ("extra", 1),
    ],
)
def test_a_statement_that_is_none_does_not_fit_its_schema(path: str, value: Any) -> None:
    statement = judged(AGREEMENT, EVIDENCE).to_json()
    assert not schema("statement").is_valid(varied(statement, {path: value}))
