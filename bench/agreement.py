"""How fast service-months are judged: 100 outages, 10 maintenance windows and 100 requests in each.

`./clearline bench agreement [MONTHS]`: judges a quarter, a half and all of MONTHS (10,000) on one core, from the bytes
of the evidence to those of the statement, and prints the seconds of processor time and how they grow.
"""

import json
import random
import time
from pathlib import Path
from typing import Any

from clearline.agreement.evidence import parse_evidence
from clearline.agreement.moments import SECOND_US, moment_text, moment_us
from clearline.agreement.statement import evaluate
from clearline.agreement.terms import Agreement, load_agreement

AGREEMENT = Path(__file__).resolve().parents[1] / "agreements" / "voip-level-agreement.yaml"
VARIANTS = 20
OUTAGES, WINDOWS, REQUESTS = 100, 10, 100
FROM_US = moment_us("2026-10-01T00:00:00Z")
UNTIL_US = moment_us("2026-11-01T00:00:00Z")


def main(argv: list[str]) -> int:
    """Print the figures."""
    months = int(argv[0]) if argv else 10_000
    agreement, problems = load_agreement(AGREEMENT.read_bytes(), AGREEMENT.name)
    if agreement is None:
        print(problems)
        return 1
    documents = [json.dumps(service_month(random.Random(seed))) for seed in range(VARIANTS)]
    print(
        f"{OUTAGES} outages, {WINDOWS} windows, {REQUESTS} requests a month; {len(documents[0]):,} bytes of JSON each"
    )
    print(f"{'months':>8}  {'reading s':>9}  {'judging s':>9}  {'printing s':>10}  {'all s':>7}  {'ms a month':>10}")
    for count in (months // 4, months // 2, months):
        reading, judging, printing = judged(agreement, documents, count)
        total = reading + judging + printing
        print(f"{count:>8,}  {reading:>9.2f}  {judging:>9.2f}  {printing:>10.2f}  {total:>7.2f}", end="")
        print(f"  {total / count * 1000:>10.3f}")
    return 0


def judged(agreement: Agreement, documents: list[str], count: int) -> tuple[float, float, float]:
    """Judge `count` months; return the seconds taken by reading evidence, judging it and writing the statement."""
    reading = judging = printing = 0.0
    for index in range(count):
        began = time.process_time()
        evidence, problems = parse_evidence(documents[index % VARIANTS], "bench")
        if evidence is None:
            raise ValueError(problems)
        read = time.process_time()
        statement = evaluate(agreement, evidence)
        done = time.process_time()
        json.dumps(statement.to_json())
        printed = time.process_time()
        reading, judging, printing = reading + read - began, judging + done - read, printing + printed - done
    return reading, judging, printing


def service_month(source: random.Random) -> dict[str, Any]:
    """A month of October 2026 with random outages, windows and requests."""

    def interval(longest_s: int) -> tuple[int, int]:
        from_us = source.randrange(FROM_US, UNTIL_US, SECOND_US)
        return from_us, from_us + source.randrange(1, longest_s) * SECOND_US

    downtime = [(f"O-{n}", *interval(1800)) for n in range(OUTAGES)]
    windows = [(f"M-{n}", *interval(7200), source.randrange(24, 96) * 3600 * SECOND_US) for n in range(WINDOWS)]
    requests = [(f"T-{n}", *interval(6 * 3600)) for n in range(REQUESTS)]
    return {
        "schema": "clearline/evidence/1",
        "customer": {"id": "C-1", "name": "Acme Ltd"},
        "service": {
            "id": "S-1",
            "name": "Hosted voice",
            "monthly_fee": {"amount": "1000.00", "currency": "EUR"},
            "from": "2026-01-15T00:00:00Z",
            "until": None,
        },
        "month": "2026-10",
        "as_of": moment_text(UNTIL_US),
        "availability": {
            "observed": [[moment_text(FROM_US), moment_text(UNTIL_US)]],
            "downtime": [{"id": i, "from": moment_text(a), "until": moment_text(b)} for i, a, b in downtime],
            "maintenance": [
                {"id": i, "from": moment_text(a), "until": moment_text(b), "announced_at": moment_text(a - notice)}
                for i, a, b, notice in windows
            ],
            "excluded": [],
        },
        "voice": {"calls": 1000, "measured": 998, "mos_total": "3900.25", "talk_seconds": "1", "mos_talk_total": "4"},
        "support": [
            {"id": i, "received_at": moment_text(a), "first_response_at": moment_text(b)} for i, a, b in requests
        ],
    }
