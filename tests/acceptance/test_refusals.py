"""What is malformed is refused by the command: its place named, exit status 2, not a byte on standard output."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.test_cases import AGREEMENT, QUIET_MONTH
from tests.agreement.samples import varied
from typer.testing import CliRunner

from clearline.cli.evaluate import app

EVIDENCE = varied(
    QUIET_MONTH,
    {
        "availability.downtime": [
            {"id": f"O-{day}", "from": f"2026-11-0{day}T10:00:00Z", "until": f"2026-11-0{day}T10:05:00Z"}
            for day in (1, 2, 3)
        ],
        "availability.maintenance": [
            {
                "id": "M-1",
                "from": "2026-11-10T01:00:00Z",
                "until": "2026-11-10T03:00:00Z",
                "announced_at": "2026-11-07T09:00:00Z",
            }
        ],
        "availability.excluded": [
            {
                "id": "X-1",
                "from": "2026-11-12T01:00:00Z",
                "until": "2026-11-12T03:00:00Z",
                "cause": "customer",
                "reason": "line cut",
                "approved_by": "J. Doe",
            }
        ],
        "support": [
            {"id": "T-1", "received_at": "2026-11-05T08:00:00Z", "first_response_at": "2026-11-05T09:00:00Z"},
            {"id": "T-2", "received_at": "2026-11-06T08:00:00Z", "first_response_at": None},
        ],
    },
)

EVIDENCE_REFUSED: list[tuple[str, Any, str]] = [
    # an unknown key
    ("extra", 1, "extra"),
    ("availability.downtime.1.cause", "customer", "availability.downtime[1].cause"),
    ("service.monthly_fee.tax", "0", "service.monthly_fee.tax"),
    # a wrong type; decimals travel as strings
    ("voice.calls", "1000", "voice.calls"),
    ("voice.calls", True, "voice.calls"),
    ("voice.calls", 1000.5, "voice.calls"),
    ("voice.mos_total", 4200, "voice.mos_total"),
    ("service.monthly_fee.amount", 1000, "service.monthly_fee.amount"),
    ("service.monthly_fee", "1000.00 USD", "service.monthly_fee"),
    ("support", {}, "support"),
    ("support.0", [], "support[0]"),
    ("customer.id", 5, "customer.id"),
    ("availability.maintenance.0.until", None, "availability.maintenance[0].until"),
    # a decimal that is none
    ("service.monthly_fee.amount", "1e3", "service.monthly_fee.amount"),
    ("service.monthly_fee.amount", "NaN", "service.monthly_fee.amount"),
    ("service.monthly_fee.amount", "1,000.00", "service.monthly_fee.amount"),
    ("service.monthly_fee.amount", "-1.00", "service.monthly_fee.amount"),
    # a moment that is none, or not in UTC, or finer than a microsecond
    ("availability.downtime.0.from", "2026-11-01T10:00:00+01:00", "availability.downtime[0].from"),
    ("availability.downtime.0.from", "2026-11-01T10:00:00", "availability.downtime[0].from"),
    ("availability.downtime.0.from", "2026-11-01", "availability.downtime[0].from"),
    ("availability.downtime.0.from", "2026-02-30T10:00:00Z", "availability.downtime[0].from"),
    ("availability.downtime.0.from", "2026-11-01T10:00:00.0000001Z", "availability.downtime[0].from"),
    ("availability.observed.0", ["2026-11-01T00:00:00Z"], "availability.observed[0]"),
    ("month", "2026-13", "month"),
    ("as_of", None, "as_of"),
    # an interval that ends before it starts, a negative duration
    ("availability.downtime.2.until", "2026-11-03T09:59:59Z", "availability.downtime[2].until"),
    ("availability.maintenance.0.until", "2026-11-10T00:59:59Z", "availability.maintenance[0].until"),
    ("availability.excluded.0.until", "2026-11-12T00:59:59Z", "availability.excluded[0].until"),
    ("availability.observed.0", ["2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z"], "availability.observed[0][1]"),
    ("service.until", "2019-12-31T23:59:59Z", "service.until"),
    ("support.0.first_response_at", "2026-11-05T07:59:59Z", "support[0].first_response_at"),
    ("voice.talk_seconds", "-1", "voice.talk_seconds"),
    # a currency that does not exist
    ("service.monthly_fee.currency", "XXQ", "service.monthly_fee.currency"),
    ("service.monthly_fee.currency", "usd", "service.monthly_fee.currency"),
    # a word or a count that cannot be
    ("schema", "clearline/evidence/2", "schema"),
    ("availability.excluded.0.cause", "weather", "availability.excluded[0].cause"),
    ("voice.calls", -1, "voice.calls"),
    ("voice.measured", 1001, "voice.measured"),
    ("experience.within", 1001, "experience.within"),
    ("support.1.id", "T-1", "support[1].id"),
]

AGREEMENT_REFUSED: list[tuple[str, Any, str]] = [
    ("extra", 1, "extra"),
    ("commitments.uptime", {"clause": "1.1"}, "commitments.uptime"),
    ("commitments.availability.extra", 1, "commitments.availability.extra"),
    ("credits.rules.0.extra", 1, "credits.rules[0].extra"),
    ("commitments.availability.target", 99.9, "commitments.availability.target"),
    ("commitments.availability.target", "99,9", "commitments.availability.target"),
    ("commitments.availability.target", "101", "commitments.availability.target"),
    ("commitments.availability.maintenance.counts_as", "maybe", "commitments.availability.maintenance.counts_as"),
    ("commitments.availability.maintenance.notice_hours", -1, "commitments.availability.maintenance.notice_hours"),
    ("commitments.availability.unknown", None, "commitments.availability.unknown"),
    ("commitments.availability.exclusions", ["weather"], "commitments.availability.exclusions[0]"),
    ("commitments.availability.minimum_outage_seconds", -1, "commitments.availability.minimum_outage_seconds"),
    ("commitments.restoration.within_seconds", "3600", "commitments.restoration.within_seconds"),
    ("commitments.voice_mos.weight", "loudest", "commitments.voice_mos.weight"),
    ("time_zone", "Mars/Olympus", "time_zone"),
    ("time_zone", "../../etc/passwd", "time_zone"),
    ("credits.rules.0.commitment", "uptime", "credits.rules[0].commitment"),
    ("credits.rules.0.count", "sometimes", "credits.rules[0].count"),
    ("credits.rules.0.step", "0", "credits.rules[0].step"),
    ("credits.rules.2.step_seconds", 0, "credits.rules[2].step_seconds"),
    ("credits.rules.2.per", "everybody", "credits.rules[2].per"),
    ("credits.rules.0.percent", "-10", "credits.rules[0].percent"),
    ("credits.stacking", "both", "credits.stacking"),
    ("credits.cap_percent", 100, "credits.cap_percent"),
    ("credits.pro_rata_fee", "yes", "credits.pro_rata_fee"),
    ("termination.any_of.0", {"missed_months_in_a_row": 0}, "termination.any_of[0].missed_months_in_a_row"),
    ("termination.any_of.1", {"missed_months": 4}, "termination.any_of[1].of_last"),
    ("termination.open_days", -1, "termination.open_days"),
    ("origins", {"credits.cap_percent": "invented"}, "origins.credits.cap_percent"),
    ("origins", {"credits.nothing": "text"}, "origins.credits.nothing"),
    ("effective", "2022-02-30", "effective"),
    ("schema", "clearline/agreement/2", "schema"),
]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(agreement: str | bytes | dict[str, Any], *evidence: str | bytes | dict[str, Any]) -> str:
    """What standard error says of documents that must not be judged."""
    names = ["agreement.yaml", "evidence.json", "later.json"][: 1 + len(evidence)]
    for name, document in zip(names, (agreement, *evidence), strict=True):
        written = json.dumps(document) if isinstance(document, dict) else document
        Path(name).write_bytes(written if isinstance(written, bytes) else written.encode())
    said = CliRunner().invoke(app, [*names, "--json"])
    assert (said.exit_code, said.stdout) == (2, "")
    assert sorted(path.name for path in Path().iterdir()) == sorted(names)
    return said.stderr


def lines_at(position: str, said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(f"{position}: ")]


TERMS = AGREEMENT.read_text()


@pytest.mark.parametrize(("path", "value", "position"), EVIDENCE_REFUSED)
def test_malformed_evidence_is_refused_with_its_place(path: str, value: Any, position: str) -> None:
    said = refusal(TERMS, varied(EVIDENCE, {path: value}))
    assert len(lines_at(f"evidence.json: {position}", said)) == 1


@pytest.mark.parametrize(("path", "value", "position"), AGREEMENT_REFUSED)
def test_a_malformed_agreement_is_refused_with_its_place(path: str, value: Any, position: str) -> None:
    terms = json.loads(json.dumps(yaml.safe_load(TERMS), default=str))
    said = refusal(yaml.safe_dump(varied(terms, {path: value})), EVIDENCE)
    assert len(lines_at(f"agreement.yaml: {position}", said)) == 1


@pytest.mark.parametrize("key", ["schema", "customer", "service", "month", "as_of"])
def test_evidence_without_a_key_it_needs_is_refused(key: str) -> None:
    said = refusal(TERMS, {name: value for name, value in EVIDENCE.items() if name != key})
    assert lines_at(f"evidence.json: {key}", said)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{schema",
        b'{"voice": NaN}',
        b"[" * 100_000,
        b"\xff\xfe{}",
        json.dumps(EVIDENCE).encode() * 2,
        b'{"month": "2026-11", ' + json.dumps(EVIDENCE).encode()[1:],
        json.dumps(EVIDENCE).replace('"calls": 1000', '"calls": ' + "9" * 5000).encode(),
    ],
    ids=["empty", "a list", "cut off", "NaN", "nested", "not UTF-8", "two documents", "a key twice", "huge number"],
)
def test_a_file_that_is_no_evidence_is_refused_by_its_name(text: bytes) -> None:
    said = refusal(TERMS, text)
    assert "evidence.json: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "schema:\tx\n\t- y: [",
        "schema: !!python/object/apply:os.system ['true']",
        TERMS + "\nreviews: quarterly\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "a: &a\n  b: *a\n",
        "[" * 20_000,
    ],
    ids=["empty", "a list", "tabs", "a tag", "a key twice", "a bomb", "recursive", "nested"],
)
def test_a_file_that_is_no_agreement_is_refused_by_its_name(text: str) -> None:
    said = refusal(text, EVIDENCE)
    assert "agreement.yaml: " in said
    assert "Traceback" not in said


def test_one_bad_month_withholds_the_statements_of_the_good_ones() -> None:
    said = refusal(TERMS, EVIDENCE, varied(EVIDENCE, {"month": "November"}))
    assert lines_at("later.json: month", said)
    assert "evidence.json" not in said


def test_every_problem_of_a_document_is_said_at_once() -> None:
    said = refusal(TERMS, varied(EVIDENCE, {"month": "November", "voice.calls": -1, "support.0.id": None}))
    for position in ("month", "voice.calls", "support[0].id"):
        assert lines_at(f"evidence.json: {position}", said)
