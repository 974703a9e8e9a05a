"""The agreement file: its format as one table, and its reading."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from clearline.agreement.canonical import digest
from clearline.agreement.documents import parse_yaml
from clearline.agreement.moments import HOUR_US, SECOND_US
from clearline.agreement.months import MONTH_PATTERN, time_zone
from clearline.agreement.problems import Path, Problem, Report, written
from clearline.agreement.promises import (
    CASES,
    CAUSES,
    COMMITMENTS,
    LEVELS,
    REVIEW_MONTHS,
    Agreement,
    Availability,
    Commitments,
    Credits,
    DelayRule,
    Experience,
    FirstResponse,
    LevelRule,
    Maintenance,
    MaintenanceNotice,
    Restoration,
    Termination,
    Trigger,
    VoiceMos,
)
from clearline.agreement.shapes import (
    DECIMAL,
    Build,
    Choice,
    Either,
    Field,
    Flag,
    Integer,
    ListOf,
    MapOf,
    Nullable,
    Parsed,
    Record,
    Text,
)

__all__ = ["AGREEMENT", "Agreement", "load_agreement", "load_agreement_document"]


def load_agreement(text: str | bytes, source: str) -> tuple[Agreement | None, list[Problem]]:
    """Read an agreement file (YAML).

    Args:
        text: the file's content; bytes must be UTF-8.
        source: the file's name, for problems.

    Returns:
        The agreement and no problems, or None and every problem found. Bad content never raises.
    """
    document, problems = parse_yaml(text, source)
    if problems:
        return None, problems
    return load_agreement_document(document, source)


def load_agreement_document(document: object, source: str) -> tuple[Agreement | None, list[Problem]]:
    """Read an agreement that is plain data already, such as `Agreement.document` or a parsed form.

    Returns:
        The agreement and no problems, or None and every problem found.
    """
    report = Report(source, [])
    values = AGREEMENT.read(document, None, report)
    if report.problems or not isinstance(document, dict):
        return None, report.problems
    complete = AGREEMENT.with_defaults(document)
    _check_origins(complete, report)
    if report.problems:
        return None, report.problems
    origins = dict.fromkeys(_left_out(document, complete), "default") | values.pop("origins")
    del values["schema"]
    zone, coverage = values.pop("time_zone"), values.pop("coverage")
    return Agreement(
        **values,
        zone=zone,
        coverage_minimum=coverage,
        origins=origins,
        document=complete,
        sha256=digest(complete),
    ), []


def _paths(value: object, at: Path = None) -> Iterator[str]:
    """Yield the path of everything in a document: mappings and lists, and what is in them."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield written((at, key))
        yield from _paths(item, (at, key))


def _left_out(given: dict[str, Any], complete: dict[str, Any], at: Path = None) -> Iterator[str]:
    """Yield the paths of the terms that the file left to the program's defaults."""
    for key, value in complete.items():
        if key not in given:
            if value is not None and key != "origins":
                yield written((at, key))
        elif isinstance(value, dict) and key != "origins":
            yield from _left_out(given[key], value, (at, key))


def _check_origins(complete: dict[str, Any], report: Report) -> None:
    """Report origins of keys that the agreement does not have."""
    known = set(_paths(complete))
    for path in complete["origins"]:
        if path not in known:
            report.add(((None, "origins"), path), "is the path of no key of this agreement")


DAY_PATTERN = MONTH_PATTERN + r"-(0[1-9]|[12][0-9]|3[01])"
_is_day = re.compile(DAY_PATTERN).fullmatch

Problemize = Callable[[str, str], None]


def _within(problem: Problemize, values: dict[str, Any], key: str, least: str, most: str) -> None:
    """Report a decimal outside its range."""
    if not Decimal(least) <= values[key] <= Decimal(most):
        problem(key, f'must be from "{least}" to "{most}", found "{values[key]}"')


def _availability(values: dict[str, Any], problem: Problemize) -> Availability:
    _within(problem, values, "target", "0", "100")
    minimum_outage_us = values.pop("minimum_outage_seconds") * SECOND_US
    return Availability(**values, minimum_outage_us=minimum_outage_us)


def _voice_mos(values: dict[str, Any], problem: Problemize) -> VoiceMos:
    _within(problem, values, "target", "1", "5")
    return VoiceMos(**values)


def _experience(values: dict[str, Any], problem: Problemize) -> Experience:
    _within(problem, values, "share_percent", "0", "100")
    _within(problem, values, "loss_percent", "0", "100")
    _within(problem, values, "video_mos", "1", "5")
    return Experience(**values)


def _coverage(values: dict[str, Any], problem: Problemize) -> Decimal:
    _within(problem, values, "minimum_percent", "0", "100")
    minimum: Decimal = values["minimum_percent"]
    return minimum


def _commitments(values: dict[str, Any], problem: Problemize) -> Commitments:
    commitments = Commitments(**values)
    if not commitments.made():
        problem("availability", "is missing, and so is every other commitment: there is nothing to judge")
    if commitments.availability is None:
        for key in ("restoration", "maintenance_notice"):
            if values[key] is not None:
                problem(key, "needs the commitment availability, which says what maintenance and an outage are")
    return commitments


def _level_rule(values: dict[str, Any], problem: Problemize) -> LevelRule:
    if values["step"] == 0:
        problem("step", "must be more than 0")
    return LevelRule(**values)


def _delay_rule(values: dict[str, Any], problem: Problemize) -> DelayRule:
    allowed = (CASES[values["commitment"]], "worst")
    if values["per"] not in allowed:
        problem("per", f"must be {' or '.join(allowed)} for {values['commitment']}, found {values['per']}")
    return DelayRule(step_us=values.pop("step_seconds") * SECOND_US, **values)


def _trigger(values: dict[str, Any], problem: Problemize) -> Trigger:
    if "missed_months_in_a_row" in values:
        return Trigger(values["missed_months_in_a_row"], None)
    if values["of_last"] < values["missed_months"]:
        problem("of_last", f"must be at least missed_months, found {values['of_last']}")
    return Trigger(**values)


def _agreement(values: dict[str, Any], problem: Problemize) -> dict[str, Any]:
    made, seen = values["commitments"].made(), set()
    for index, rule in enumerate(values["credits"].rules):
        at = f"credits.rules[{index}].commitment"
        if rule.commitment not in made:
            problem(at, f"names a commitment that this agreement does not make, found {rule.commitment}")
        if rule.commitment in seen:
            problem(at, f"has a rule already, found {rule.commitment}")
        seen.add(rule.commitment)
    return values


def _day(text: str) -> date:
    if not _is_day(text):
        raise ValueError("must be a day such as 2022-05-05")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"is not a day of the calendar ({error})") from error


_COUNTS_AS = Choice(("excluded", "up", "down"))
_COUNT = Field(Choice(("started", "full", "prorata")), "started")
_CLAUSE = Field(Text(40))
_TEXT = Field(Nullable(Text()), None)


def _promise(build: Build, **fields: Field) -> Field:
    """A commitment: a record with its clause; absent where the agreement does not make it."""
    return Field(Nullable(Record({"clause": _CLAUSE, "text": _TEXT, **fields}, build)), None)


def _record(build: Build, **fields: Field) -> Field:
    return Field(Record(fields, build))


AGREEMENT = Record(
    {
        "schema": Field(Choice(("clearline/agreement/1",))),
        "id": Field(Text(200)),
        "version": Field(Text(200)),
        "title": Field(Text(200)),
        "effective": Field(Parsed(_day, DAY_PATTERN)),
        "notice_days": Field(Integer(0, 3660), 30),
        "time_zone": Field(Parsed(time_zone, r"[A-Za-z0-9_+/-]+")),
        "commitments": _record(
            _commitments,
            availability=_promise(
                _availability,
                target=Field(DECIMAL),
                maintenance=Field(
                    Record(
                        {"notice_hours": Field(Integer(0, 87_600), 48), "counts_as": Field(_COUNTS_AS, "excluded")},
                        lambda values, _: Maintenance(values["notice_hours"] * HOUR_US, values["counts_as"]),
                    ),
                    {"notice_hours": 48, "counts_as": "excluded"},
                ),
                unknown=Field(_COUNTS_AS, "excluded"),
                exclusions=Field(ListOf(Choice(CAUSES), most=len(CAUSES)), []),
                minimum_outage_seconds=Field(Integer(), 0),
            ),
            restoration=_promise(
                lambda values, _: Restoration(values["clause"], values["text"], values["within_seconds"] * SECOND_US),
                within_seconds=Field(Integer()),
            ),
            experience=_promise(
                _experience,
                one_way_delay_ms=Field(DECIMAL, "150"),
                jitter_ms=Field(DECIMAL, "30"),
                loss_percent=Field(DECIMAL, "1"),
                video_mos=Field(DECIMAL, "3.5"),
                share_percent=Field(DECIMAL, "95"),
            ),
            voice_mos=_promise(
                _voice_mos,
                target=Field(DECIMAL),
                weight=Field(Choice(("call", "talk_time")), "call"),
                minimum_calls=Field(Integer(1), 1),
            ),
            first_response=_promise(
                lambda values, _: FirstResponse(values["clause"], values["text"], values["within_seconds"] * SECOND_US),
                within_seconds=Field(Integer()),
            ),
            maintenance_notice=_promise(lambda values, _: MaintenanceNotice(**values)),
        ),
        "coverage": Field(Record({"minimum_percent": Field(DECIMAL, "99")}, _coverage), {"minimum_percent": "99"}),
        "credits": _record(
            lambda values, _: Credits(**values),
            pro_rata_fee=Field(Flag(), default=True),
            rules=Field(
                ListOf(
                    Either(
                        {
                            "step": Record(
                                {
                                    "commitment": Field(Choice(LEVELS)),
                                    "step": Field(DECIMAL),
                                    "percent": Field(DECIMAL),
                                    "count": _COUNT,
                                },
                                _level_rule,
                            ),
                            "step_seconds": Record(
                                {
                                    "commitment": Field(Choice(tuple(CASES))),
                                    "step_seconds": Field(Integer(1)),
                                    "percent": Field(DECIMAL),
                                    "count": _COUNT,
                                    "per": Field(Choice((*CASES.values(), "worst"))),
                                },
                                _delay_rule,
                            ),
                        }
                    ),
                    most=len(COMMITMENTS),
                )
            ),
            stacking=Field(Choice(("sum", "highest")), "sum"),
            cap_percent=Field(Nullable(DECIMAL), "100"),
            text=_TEXT,
        ),
        "termination": _record(
            lambda values, _: Termination(values["any_of"], values["open_days"], values["text"]),
            any_of=Field(
                ListOf(
                    Either(
                        {
                            "missed_months_in_a_row": Record(
                                {"missed_months_in_a_row": Field(Integer(1, 1200))}, _trigger
                            ),
                            "missed_months": Record(
                                {"missed_months": Field(Integer(1, 1200)), "of_last": Field(Integer(1, 1200))}, _trigger
                            ),
                        }
                    ),
                    most=20,
                )
            ),
            open_days=Field(Integer(1, 3660), 30),
            text=_TEXT,
        ),
        "reviews": Field(Choice(tuple(REVIEW_MONTHS)), "quarterly"),
        "origins": Field(MapOf(Choice(("text", "default", "negotiated"))), {}),
    },
    _agreement,
)
"""The format of an agreement: every key, what it may hold, and its default where it may be left out."""
