"""What was observed about one service of one customer in one month."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from clearline.agreement.documents import parse_json
from clearline.agreement.intervals import Interval
from clearline.agreement.money import MINOR_UNITS, Money
from clearline.agreement.months import MONTH_PATTERN, Month
from clearline.agreement.problems import Problem, Report
from clearline.agreement.promises import CAUSES
from clearline.agreement.shapes import (
    DECIMAL,
    MOMENT,
    Build,
    Choice,
    Field,
    Integer,
    ListOf,
    Nullable,
    Parsed,
    Record,
    Span,
    Text,
)


@dataclass(frozen=True, slots=True)
class Service:
    """What the customer buys. `until_us` is None while no end is known."""

    id: str
    name: str
    monthly_fee: Money
    from_us: int
    until_us: int | None


@dataclass(frozen=True, slots=True)
class Downtime:
    """An interval in which the service was down; `until_us` is None when it still was at `as_of`."""

    id: str
    from_us: int
    until_us: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window as it was announced; `announced_us` is None when it never was."""

    id: str
    from_us: int
    until_us: int
    announced_us: int | None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An interval that a person approved to leave out, for a cause the agreement may or may not allow."""

    id: str
    from_us: int
    until_us: int
    cause: str
    reason: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Availability:
    """What was seen of the service being up or down; each list is sorted, so that the order given never matters."""

    observed: tuple[Interval, ...]
    downtime: tuple[Downtime, ...]
    maintenance: tuple[Window, ...]
    excluded: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """Sums over the month's voice calls.

    Attributes:
        calls: made; measured: of which scored.
        mos_total: sum of the measured calls' MOS, each rounded to 0.01.
        talk_seconds: of the measured calls.
        mos_talk_total: sum of each call's MOS times its talk seconds.
    """

    calls: int
    measured: int
    mos_total: Decimal
    talk_seconds: Decimal
    mos_talk_total: Decimal


@dataclass(frozen=True, slots=True)
class Experience:
    """How many measured calls, and video calls, were within the agreement's limits."""

    measured: int
    within: int
    video_measured: int
    video_within: int


@dataclass(frozen=True, slots=True)
class Request:
    """A support request; `answered_us` is None when a person had not answered by `as_of`."""

    id: str
    received_us: int
    answered_us: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One service-month. A part is None when nothing of that kind was looked at."""

    customer_id: str
    customer_name: str
    service: Service
    month: Month
    as_of_us: int
    availability: Availability | None
    voice: Voice | None
    experience: Experience | None
    support: tuple[Request, ...] | None


def load_evidence(document: object, source: str) -> tuple[Evidence | None, list[Problem]]:
    """Read one evidence document that is plain data already.

    Args:
        document: what a JSON parser gives.
        source: the document's name, for problems.

    Returns:
        The evidence and no problems, or None and every problem found. Bad content never raises.
    """
    report = Report(source, [])
    evidence = EVIDENCE.read(document, None, report)
    return (None, report.problems) if report.problems else (evidence, [])


def parse_evidence(text: str | bytes, source: str) -> tuple[Evidence | None, list[Problem]]:
    """Read one evidence document (JSON); bytes must be UTF-8. As `load_evidence`."""
    document, problems = parse_json(text, source)
    return (None, problems) if problems else load_evidence(document, source)


def repeated_months(named: Iterable[tuple[str, Evidence]]) -> list[Problem]:
    """Say which documents are about a service-month that another document was about already."""
    first: dict[tuple[str, str, Month], str] = {}
    problems = []
    for source, evidence in named:
        key = (evidence.customer_id, evidence.service.id, evidence.month)
        if key in first:
            what = f"{evidence.month} of service {evidence.service.id} of customer {evidence.customer_id}"
            problems.append(Problem(source, "month", f"{what} is in {first[key]} already"))
        first.setdefault(key, source)
    return problems


Problemize = Callable[[str, str], None]


def _interval(kind: type, **renamed: str) -> Build:
    """Make a dataclass of an interval that does not end before it starts; `renamed`: the fields of other names."""
    renamed |= {"from": "from_us", "until": "until_us"}

    def build(values: dict[str, Any], problem: Problemize) -> Any:
        if values["until"] is not None and values["until"] < values["from"]:
            problem("until", "is before from")
        return kind(**{renamed.get(key, key): value for key, value in values.items()})

    return build


def _fee(values: dict[str, Any], _problem: Problemize) -> Money:
    return Money(**values)


def _availability(values: dict[str, Any], problem: Problemize) -> Availability:
    for key in ("downtime", "maintenance", "excluded"):
        _check_ids(key, values[key], problem)
        values[key] = tuple(sorted(values[key], key=lambda entry: (entry.from_us, entry.id)))
    return Availability(**values)


def _check_ids(key: str, entries: Iterable[Any], problem: Problemize) -> None:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.id in seen:
            problem(f"{key}[{index}].id", f"is given twice, found {entry.id}")
        seen.add(entry.id)


def _voice(values: dict[str, Any], problem: Problemize) -> Voice:
    voice = Voice(**values)
    if voice.measured > voice.calls:
        problem("measured", f"must be at most calls ({voice.calls}), found {voice.measured}")
    for total, weights, what in (
        ("mos_total", voice.measured, "measured"),
        ("mos_talk_total", Fraction(voice.talk_seconds), "talk_seconds"),
    ):
        if not weights <= Fraction(values[total]) <= 5 * weights:
            problem(total, f"is not a sum of scores from 1 to 5 over {what} ({values[what]}), found {values[total]}")
    return voice


def _experience(values: dict[str, Any], problem: Problemize) -> Experience:
    for within, measured in (("within", "measured"), ("video_within", "video_measured")):
        if values[within] > values[measured]:
            problem(within, f"must be at most {measured} ({values[measured]}), found {values[within]}")
    return Experience(**values)


def _request(values: dict[str, Any], problem: Problemize) -> Request:
    received_us, answered_us = values["received_at"], values["first_response_at"]
    if answered_us is not None and answered_us < received_us:
        problem("first_response_at", "is before received_at")
    return Request(values["id"], received_us, answered_us)


def _evidence(values: dict[str, Any], problem: Problemize) -> Evidence:
    _check_ids("support", values["support"] or (), problem)
    if values["support"] is not None:
        values["support"] = tuple(sorted(values["support"], key=lambda request: (request.received_us, request.id)))
    customer = values["customer"]
    return Evidence(
        customer_id=customer["id"],
        customer_name=customer["name"],
        service=values["service"],
        month=values["month"],
        as_of_us=values["as_of"],
        availability=values["availability"],
        voice=values["voice"],
        experience=values["experience"],
        support=values["support"],
    )


_CURRENCY = Field(Choice(tuple(sorted(MINOR_UNITS)), "a currency code of ISO 4217 such as EUR"))
_ID = Field(Text(200))
_NAME = Field(Text(200))
_AT = Field(MOMENT)

_OPTIONAL = None
"""A part of the evidence that is left out, or null, was not looked at."""

EVIDENCE = Record(
    {
        "schema": Field(Choice(("clearline/evidence/1",))),
        "customer": Field(Record({"id": _ID, "name": _NAME})),
        "service": Field(
            Record(
                {
                    "id": _ID,
                    "name": _NAME,
                    "monthly_fee": Field(Record({"amount": Field(DECIMAL), "currency": _CURRENCY}, _fee)),
                    "from": _AT,
                    "until": Field(Nullable(MOMENT), None),
                },
                _interval(Service),
            )
        ),
        "month": Field(Parsed(Month.parse, MONTH_PATTERN)),
        "as_of": _AT,
        "availability": Field(
            Nullable(
                Record(
                    {
                        "observed": Field(ListOf(Span())),
                        "downtime": Field(
                            ListOf(
                                Record(
                                    {
                                        "id": _ID,
                                        "from": _AT,
                                        "until": Field(Nullable(MOMENT)),
                                        "reason": Field(Nullable(Text()), None),
                                    },
                                    _interval(Downtime),
                                )
                            ),
                            [],
                        ),
                        "maintenance": Field(
                            ListOf(
                                Record(
                                    {"id": _ID, "from": _AT, "until": _AT, "announced_at": Field(Nullable(MOMENT))},
                                    _interval(Window, announced_at="announced_us"),
                                )
                            ),
                            [],
                        ),
                        "excluded": Field(
                            ListOf(
                                Record(
                                    {
                                        "id": _ID,
                                        "from": _AT,
                                        "until": _AT,
                                        "cause": Field(Choice(CAUSES)),
                                        "reason": Field(Text()),
                                        "approved_by": Field(Text(200)),
                                    },
                                    _interval(Exclusion),
                                )
                            ),
                            [],
                        ),
                    },
                    _availability,
                )
            ),
            _OPTIONAL,
        ),
        "voice": Field(
            Nullable(
                Record(
                    {
                        "calls": Field(Integer()),
                        "measured": Field(Integer()),
                        "mos_total": Field(DECIMAL),
                        "talk_seconds": Field(DECIMAL),
                        "mos_talk_total": Field(DECIMAL),
                    },
                    _voice,
                )
            ),
            _OPTIONAL,
        ),
        "experience": Field(
            Nullable(
                Record(
                    {
                        "measured": Field(Integer()),
                        "within": Field(Integer()),
                        "video_measured": Field(Integer(), 0),
                        "video_within": Field(Integer(), 0),
                    },
                    _experience,
                )
            ),
            _OPTIONAL,
        ),
        "support": Field(
            Nullable(
                ListOf(Record({"id": _ID, "received_at": _AT, "first_response_at": Field(Nullable(MOMENT))}, _request))
            ),
            _OPTIONAL,
        ),
    },
    _evidence,
)
"""The format of an evidence document: every key, what it may hold, and its default where it may be left out."""
