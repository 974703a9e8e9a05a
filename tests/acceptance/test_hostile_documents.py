"""Whatever stands in a document, it is refused in words or judged; nothing else happens."""

import copy
from fractions import Fraction
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.acceptance.test_cases import AGREEMENT
from tests.acceptance.test_refusals import EVIDENCE

from clearline.agreement.evidence import load_evidence
from clearline.agreement.statement import evaluate
from clearline.agreement.terms import load_agreement

TERMS: dict[str, Any] = yaml.safe_load(AGREEMENT.read_text())
TERMS["effective"] = str(TERMS["effective"])

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2),
    st.sampled_from([10**12, -(10**30), 0.1, "", "0", "1", "100", "999999999999999", "0.000000000001", "-0", "é"]),
    st.sampled_from(
        ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-11-15T12:00:00Z", "1970-01", "9998-12"]
    ),
    st.sampled_from(["up", "down", "full", "prorata", "talk_time", "worst", "highest", "JPY", "Asia/Kathmandu"]),
    st.sampled_from([[], {}, [[]], [{}], {"a": 1}, [["2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"]]]),
)


def places(document: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [way, *(place for key, value in inside for place in places(value, (*way, key)))]


@st.composite
def spoilt(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """The document with up to two of its values, of any depth, replaced or removed."""
    result = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 2))):
        way = draw(st.sampled_from(places(result)))
        if not way:
            continue
        parent: Any = result
        for step in way[:-1]:
            parent = parent[step]
        if draw(st.booleans()):
            parent[way[-1]] = copy.deepcopy(draw(ODD))
        else:
            del parent[way[-1]]
    return result


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(spoilt(TERMS), spoilt(EVIDENCE))
def test_any_document_is_refused_in_words_or_judged(terms: Any, month: Any) -> None:
    agreement, refused_terms = load_agreement(yaml.safe_dump(terms), "agreement.yaml")
    evidence, refused_month = load_evidence(month, "evidence.json")
    assert (agreement is None) == bool(refused_terms)
    assert (evidence is None) == bool(refused_month)
    for problem in (*refused_terms, *refused_month):
        assert str(problem).startswith(("agreement.yaml: ", "evidence.json: "))
    if agreement and evidence:
        statement = evaluate(agreement, evidence)
        said = statement.to_json()
        seconds = {name: Fraction(str(length)) for name, length in said["seconds"].items()}
        service = seconds.pop("service")
        assert sum(seconds.values()) == service
        assert said["total"]["amount"] in statement.text().replace(",", "")
