"""A statement as the page shows it: the same value as the JSON and the letter, in rows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clearline.agreement.lint import rule_for
from clearline.agreement.moments import length_text
from clearline.agreement.readings import limits_text, rule_text
from clearline.agreement.statement import Statement
from clearline.agreement.words import NAMES, UNITS, counted
from clearline.platform.statements.services import MonthStatement

WHERE = {
    "availability": "availability",
    "restoration": "availability",
    "voice_mos": "calls",
    "experience": "calls",
    "first_response": "desk",
    "maintenance_notice": "maintenance",
}
"""Commitment → the page that lists its evidence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One commitment: what was promised, what was measured, how it stands."""

    key: str
    title: str
    quote: str | None
    promised: str
    measured: str
    json: dict[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class CreditRow:
    """One credit line and how its amount came about."""

    title: str
    shortfall: str
    rule: str
    json: dict[str, Any]


def rows_of(found: MonthStatement) -> list[Row]:
    """The commitments in the order of the statement."""
    statement = found.statement
    document = statement.to_json()["commitments"]
    return [
        Row(
            key=key,
            title=NAMES[key],
            quote=getattr(statement.agreement.commitments, key).text,
            promised=_promised(statement, key),
            measured=_measured(key, verdict),
            json=verdict,
            where=WHERE[key],
        )
        for key, verdict in document.items()
    ]


def credit_rows_of(found: MonthStatement) -> list[CreditRow]:
    """The credit lines, each with the rule it follows."""
    rows = []
    for line in found.statement.to_json()["credits"]:
        key = line["commitment"]
        case = next((f", {name} {line[name]}" for name in ("request", "outage", "window") if name in line), "")
        rule = rule_for(found.statement.agreement, key)
        rows.append(
            CreditRow(
                title=NAMES[key] + case,
                shortfall=f"{length_text(int(Decimal(line['shortfall_seconds'])) * 1_000_000)} late"
                if "shortfall_seconds" in line
                else f"{line['shortfall']} {UNITS[key][1]} below the target",
                rule=rule_text(rule) if rule else "",
                json=line,
            )
        )
    return rows


def _promised(statement: Statement, key: str) -> str:
    made = statement.agreement.commitments
    if key == "availability" and made.availability:
        return f"at least {made.availability.target} %"
    if key == "restoration" and made.restoration:
        return f"within {length_text(made.restoration.within_us)}"
    if key == "voice_mos" and made.voice_mos:
        return f"a mean of at least {made.voice_mos.target}"
    if key == "experience" and made.experience:
        return limits_text(made.experience)
    if key == "first_response" and made.first_response:
        return f"within {length_text(made.first_response.within_us)}, around the clock"
    notice_us = made.availability.maintenance.notice_us if made.availability else 0
    return f"at least {length_text(notice_us)} ahead"


def _measured(key: str, verdict: dict[str, Any]) -> str:
    cases = next((name for name in ("outages", "requests", "windows") if name in verdict), None)
    if cases is not None:
        return f"{counted(verdict[cases], cases[:-1])}, {len(verdict['late'])} late"
    if verdict.get("measured") is None:
        return "not measured"
    if key == "voice_mos":
        return str(verdict["measured"])
    return f"{verdict['measured']} %" + (" of the calls" if key == "experience" else "")
