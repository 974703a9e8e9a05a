"""The published format's example, to the letter."""

from typing import Any

from tests.agreement.samples import judged

HEAD: dict[str, Any] = {
    "schema": "clearline/statement/1",
    "customer": "C-1001",
    "service": "S-1",
    "month": "2026-10",
    "fee": {"amount": "1000.00", "currency": "USD"},
    "seconds": {"service": 2678400, "maintenance": 7200, "excluded": 0, "down": 9000, "unknown": 0, "up": 2662200},
    "termination": {"open": False, "because": [], "lapsed": []},
}

COMMITMENTS: dict[str, dict[str, Any]] = {
    "availability": {
        "clause": "1.1",
        "status": "missed",
        "target": "99.9",
        "measured": "99.6630",
        "exact": "1479/1484",
        "coverage": "100.0000",
        "needs_decision": False,
    },
    "restoration": {"clause": "1.2", "status": "missed", "outages": 1, "late": ["O-17"]},
    "voice_mos": {
        "clause": "2.2",
        "status": "kept",
        "target": "4.0",
        "measured": "4.1800",
        "exact": "209/50",
        "coverage": "99.4629",
        "needs_decision": False,
    },
    "experience": {"clause": "2.1", "status": "kept", "measured": "99.3400"},
    "first_response": {"clause": "3.2", "status": "missed", "requests": 1, "late": ["T-9"]},
    "maintenance_notice": {"clause": "5.2", "status": "kept", "late": []},
}

CREDITS: list[dict[str, Any]] = [
    {
        "commitment": "availability",
        "count": "started",
        "shortfall": "0.2369",
        "steps": "1",
        "percent": "10",
        "amount": "100.00",
        "alternatives": {"full": "0.00", "started": "100.00", "prorata": "23.69"},
    },
    {
        "commitment": "first_response",
        "request": "T-9",
        "count": "started",
        "shortfall_seconds": "4200",
        "steps": "2",
        "percent": "10",
        "amount": "100.00",
        "alternatives": {"full": "50.00", "started": "100.00", "prorata": "58.33"},
    },
]


def test_the_published_example_is_judged_as_published() -> None:
    statement = judged()
    assert {key: statement[key] for key in HEAD} == HEAD
    agreement = statement["agreement"]
    assert (agreement["id"], agreement["version"], len(agreement["sha256"])) == (
        "voip-level-agreement",
        "2022-05-05",
        64,
    )
    assert statement["credits"] == CREDITS
    total = {"uncapped": "200.00", "amount": "200.00", "currency": "USD", "capped": False}
    assert total.items() <= statement["total"].items()


def test_the_published_example_judges_each_commitment_as_published() -> None:
    commitments = judged()["commitments"]
    assert list(commitments) == [
        "availability",
        "restoration",
        "voice_mos",
        "experience",
        "first_response",
        "maintenance_notice",
    ]
    for name, verdict in COMMITMENTS.items():
        assert verdict.items() <= commitments[name].items()
