"""The published format's example, to the letter."""

from tests.agreement.samples import agreement, evidence

from clearline.agreement.statement import evaluate


def test_the_published_example_is_judged_as_published() -> None:
    statement = evaluate(agreement(), evidence()).to_json()
    sha256 = statement["agreement"].pop("sha256")
    assert len(sha256) == 64
    expected = {
        "schema": "clearline/statement/1",
        "customer": "C-1001",
        "service": "S-1",
        "month": "2026-10",
        "agreement": {"id": "voip-level-agreement", "version": "2022-05-05"},
        "fee": {"amount": "1000.00", "currency": "USD"},
        "seconds": {
            "service": 2678400,
            "maintenance": 7200,
            "excluded": 0,
            "down": 9000,
            "unknown": 0,
            "up": 2662200,
        },
        "termination": {"open": False, "because": []},
    }
    assert {key: statement[key] for key in expected} == expected
    commitments = {
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
    assert list(statement["commitments"]) == [
        "availability",
        "restoration",
        "voice_mos",
        "experience",
        "first_response",
        "maintenance_notice",
    ]
    for name, verdict in commitments.items():
        assert verdict.items() <= statement["commitments"][name].items()
    assert statement["credits"] == [
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
    total = {"uncapped": "200.00", "amount": "200.00", "currency": "USD", "capped": False}
    assert total.items() <= statement["total"].items()
