"""The engine beside a second, naive reading of the same words, on drawn agreements and evidence.

`CLEARLINE_ORACLE_CASES=20000` compares that many; the default keeps the run short and always draws the same ones.
"""

import os
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.acceptance import oracle
from tests.acceptance.compare import differences
from tests.acceptance.documents import agreements, evidences, years

from clearline.agreement.evidence import load_evidence
from clearline.agreement.statement import evaluate_months
from clearline.agreement.terms import load_agreement

CASES = int(os.environ.get("CLEARLINE_ORACLE_CASES", "150"))
compared = settings(
    max_examples=CASES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
compared_years = settings(compared, max_examples=CASES // 3)


def judged(agreement: dict[str, Any], months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    terms, problems = load_agreement(yaml.safe_dump(agreement), "agreement.yaml")
    assert terms, problems
    observed = []
    for month in months:
        evidence, problems = load_evidence(month, "evidence.json")
        assert evidence, problems
        observed.append(evidence)
    return [statement.to_json() for statement in evaluate_months(terms, observed)]


@compared
@given(st.data())
def test_every_month_is_judged_as_the_words_say(data: st.DataObject) -> None:
    agreement = data.draw(agreements())
    evidence = data.draw(evidences(agreement))
    assert differences(oracle.evaluate(agreement, evidence), judged(agreement, [evidence])[0]) == []


@compared_years
@given(st.data())
def test_rights_to_terminate_open_as_the_words_say_whatever_the_order_of_the_months(data: st.DataObject) -> None:
    agreement = data.draw(agreements())
    months = data.draw(years(agreement))
    found = judged(agreement, months)
    by_hand = [oracle.evaluate(agreement, month) for month in months]
    for month, statement in zip(months, found, strict=True):
        before = [one for one in by_hand if one["month"] <= month["month"]]
        still_open, lapsed = oracle.rights(agreement, before, month["as_of"])
        expected = {"open": bool(still_open), "because": still_open, "lapsed": lapsed}
        assert differences(expected, statement["termination"]) == []
