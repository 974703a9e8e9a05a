"""The documents of the published format, and short ways to vary them."""

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from clearline.agreement.evidence import Evidence, load_evidence
from clearline.agreement.statement import evaluate
from clearline.agreement.terms import Agreement, load_agreement_document

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "agreements" / "voip-level-agreement.yaml"

AGREEMENT: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(DEFAULT.read_text()), default=str))

EVIDENCE: dict[str, Any] = {
    "schema": "clearline/evidence/1",
    "customer": {"id": "C-1001", "name": "Acme Ltd"},
    "service": {
        "id": "S-1",
        "name": "Hosted voice",
        "monthly_fee": {"amount": "1000.00", "currency": "USD"},
        "from": "2026-01-15T00:00:00Z",
        "until": None,
    },
    "month": "2026-10",
    "as_of": "2026-11-01T00:00:00Z",
    "availability": {
        "observed": [["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]],
        "downtime": [{"id": "O-17", "from": "2026-10-03T10:00:00Z", "until": "2026-10-03T12:30:00Z"}],
        "maintenance": [
            {
                "id": "M-3",
                "from": "2026-10-10T01:00:00Z",
                "until": "2026-10-10T03:00:00Z",
                "announced_at": "2026-10-07T09:00:00Z",
            }
        ],
        "excluded": [],
    },
    "voice": {
        "calls": 20110,
        "measured": 20002,
        "mos_total": "83608.36",
        "talk_seconds": "3610221",
        "mos_talk_total": "15090724.1",
    },
    "experience": {"measured": 20002, "within": 19870, "video_measured": 0, "video_within": 0},
    "support": [{"id": "T-9", "received_at": "2026-10-05T08:00:00Z", "first_response_at": "2026-10-05T13:10:00Z"}],
}
"""A month with one outage, one window and one late request: the example of the published format."""


def varied(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A deep copy of a document with other values at some dotted paths; a path may go through a list by its index."""
    result = copy.deepcopy(document)
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = result
        for step in way:
            place = place[step]
        place[last] = value
    return result


def agreement(**changes: Any) -> Agreement:
    """The default agreement; `credits__cap_percent=None` changes a key."""
    document = varied(AGREEMENT, {key.replace("__", "."): value for key, value in changes.items()})
    loaded, problems = load_agreement_document(document, "agreement.yaml")
    assert loaded, problems
    return loaded


def evidence(**changes: Any) -> Evidence:
    """The example's evidence; `service__monthly_fee__currency="JPY"` changes a key."""
    document = varied(EVIDENCE, {key.replace("__", "."): value for key, value in changes.items()})
    loaded, problems = load_evidence(document, "evidence.json")
    assert loaded, problems
    return loaded


def judged(terms: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The statement of the example's evidence with some keys changed, as JSON."""
    return evaluate(agreement(**terms or {}), evidence(**changes)).to_json()
