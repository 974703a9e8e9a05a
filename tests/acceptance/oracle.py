"""A second opinion: `evaluate` written again from the format's words, in the dumbest way to be read beside them.

It takes an agreement and one month's evidence as plain dicts (already known to be well formed) and returns the parts
of a statement that the published format fixes. Where the format is silent it follows decisions 20 to 23. It shares no
line with the engine: no interval type, no money type, no default that is not spelled out here. Slow and obvious is the
point.
"""

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from tests.acceptance.oracle_verdicts import (
    Document,
    availability,
    experience,
    first_response,
    maintenance_notice,
    month_of,
    printed_seconds,
    restoration,
    seconds,
    truncated,
    voice_mos,
)

MINOR_DIGITS = {"JPY": 0, "USD": 2, "EUR": 2, "KWD": 3}


# ---- money ---------------------------------------------------------------------------------------------------------


def rounded(value: Fraction, currency: str) -> Fraction:
    """Half-up to the minor unit; amounts are never negative."""
    unit = 10 ** MINOR_DIGITS[currency]
    return Fraction(floor(value * unit + Fraction(1, 2)), unit)


def written(value: Fraction, currency: str) -> str:
    digits = MINOR_DIGITS[currency]
    return f"{int(value)}" if digits == 0 else f"{int(value)}.{int(value % 1 * 10**digits):0{digits}d}"


def exact_fee(agreement: Document, evidence: Document) -> Fraction:
    month_from, month_until = month_of(evidence, agreement)
    fee = Fraction(evidence["service"]["monthly_fee"]["amount"])
    if not agreement["credits"]["pro_rata_fee"]:
        return fee
    return fee * printed_seconds(agreement, evidence)["service"] / seconds(month_until - month_from)


def steps(shortfall: Fraction, step: Fraction, count: str) -> Fraction:
    exact = shortfall / step
    return {"full": Fraction(floor(exact)), "started": Fraction(ceil(exact)), "prorata": exact}[count]


def steps_of(judged: Document, rule: Document, count: str) -> Document:
    """Line name → steps, under one way of counting; a line is a commitment, or one case of it that was late."""
    name = rule["commitment"]
    if "step" in rule:
        missed = judged[name]["status"] == "missed"
        return {name: steps(judged[name]["_shortfall"], Fraction(rule["step"]), count)} if missed else {}
    step = Fraction(rule["step_seconds"])
    grown = {
        case: steps(seconds(end), step, count) - steps(seconds(start), step, count)
        for case, (start, end) in judged[name]["_delays"].items()
    }
    return {name: max(grown.values())} if rule["per"] == "worst" and grown else grown


def credit_lines(agreement: Document, evidence: Document, judged: Document) -> list[Document]:
    lines = []
    currency = evidence["service"]["monthly_fee"]["currency"]
    fee = exact_fee(agreement, evidence)
    for rule in agreement["credits"]["rules"]:
        percent = Fraction(rule["percent"])
        under = {count: steps_of(judged, rule, count) for count in ("full", "started", "prorata")}
        for line, counted in under[rule["count"]].items():
            amounts = {count: rounded(under[count][line] * percent / 100 * fee, currency) for count in under}
            lines.append(
                {
                    "commitment": rule["commitment"],
                    "count": rule["count"],
                    "steps": short(counted),
                    "percent": short(counted * percent),
                    "amount": written(amounts[rule["count"]], currency),
                    "alternatives": {count: written(amount, currency) for count, amount in amounts.items()},
                    "_amount": amounts[rule["count"]],
                    **shortfall(judged[rule["commitment"]], rule, line),
                }
            )
    return lines


def shortfall(verdict: Document, rule: Document, line: str) -> Document:
    if "step" in rule:
        return {"shortfall": truncated(verdict["_shortfall"])}
    if rule["per"] == "worst":
        return {}
    start, end = verdict["_delays"][line]
    named = {rule["per"]: line} if rule["per"] != "outage" else {}
    return {"shortfall_seconds": short(seconds(end - start), digits=6), **named}


def short(value: Fraction, digits: int = 4) -> str:
    return truncated(value, digits).rstrip("0").rstrip(".")


def total(agreement: Document, evidence: Document, lines: list[Document]) -> Document:
    currency = evidence["service"]["monthly_fee"]["currency"]
    by_commitment: dict[str, Fraction] = {}
    for line in lines:
        by_commitment[line["commitment"]] = by_commitment.get(line["commitment"], Fraction(0)) + line["_amount"]
    owed = [Fraction(0), *by_commitment.values()]
    uncapped = max(owed) if agreement["credits"]["stacking"] == "highest" else sum(owed)
    amount, percent = uncapped, agreement["credits"]["cap_percent"]
    if percent is not None:
        amount = min(uncapped, rounded(Fraction(percent) / 100 * exact_fee(agreement, evidence), currency))
    return {
        "uncapped": written(uncapped, currency),
        "amount": written(amount, currency),
        "currency": currency,
        "capped": amount < uncapped,
    }


def evaluate(agreement: Document, evidence: Document) -> Document:
    judges = (availability, restoration, voice_mos, experience, first_response, maintenance_notice)
    judged = {
        judge.__name__: judge(agreement, evidence) for judge in judges if judge.__name__ in agreement["commitments"]
    }
    lines = credit_lines(agreement, evidence, judged)
    currency = evidence["service"]["monthly_fee"]["currency"]
    return {
        "schema": "clearline/statement/1",
        "customer": evidence["customer"]["id"],
        "service": evidence["service"]["id"],
        "month": evidence["month"],
        "fee": {"amount": written(rounded(exact_fee(agreement, evidence), currency), currency), "currency": currency},
        "seconds": printed_seconds(agreement, evidence),
        "commitments": judged,
        "credits": lines,
        "total": total(agreement, evidence, lines),
    }


# ---- months --------------------------------------------------------------------------------------------------------


def ordinal(month: str) -> int:
    year, number = map(int, month.split("-"))
    return year * 12 + number


def misses_that_open(trigger: Document, known: list[tuple[str, str]]) -> list[str]:
    """The missed months that meet a trigger, given (month, kept or missed) in order; empty when it is not met.

    Months without evidence and months not measured are not in the list, so they neither break nor make a run.
    Only a month missed itself opens a right.
    """
    if not known or known[-1][1] != "missed":
        return []
    if "missed_months_in_a_row" in trigger:
        wanted = trigger["missed_months_in_a_row"]
        run = known[-wanted:]
        return [month for month, _ in run] if [found for _, found in run] == ["missed"] * wanted else []
    first = ordinal(known[-1][0]) - trigger["of_last"] + 1
    misses = [month for month, found in known if found == "missed" and ordinal(month) >= first]
    return misses if len(misses) >= trigger["missed_months"] else []


def rights(agreement: Document, months: list[Document], as_of: str) -> tuple[list[Document], list[Document]]:
    """The rights open at a moment, and the lapsed ones; `months` are the statements up to the judged one."""
    found = []
    today = datetime.fromisoformat(as_of).astimezone(ZoneInfo(agreement["time_zone"])).date()
    for name in agreement["commitments"]:
        for trigger in agreement["termination"]["any_of"]:
            known = []
            for one in sorted(months, key=lambda one: one["month"]):
                if one["commitments"][name]["status"] == "not_measured":
                    continue
                known.append((one["month"], one["commitments"][name]["status"]))
                number = ordinal(one["month"])  # the month after is number + 1, and January is 1
                opens = date(number // 12, number % 12 + 1, 1)
                closes = opens + timedelta(days=agreement["termination"]["open_days"])
                because = misses_that_open(trigger, known)
                if because:
                    right = {"commitment": name, "trigger": trigger, "months": because}
                    found.append({**right, "opens": opens.isoformat(), "closes": closes.isoformat()})
    return [r for r in found if today.isoformat() < r["closes"]], [r for r in found if today.isoformat() >= r["closes"]]
