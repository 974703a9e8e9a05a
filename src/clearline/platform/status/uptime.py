"""A component's uptime by month: what its targets measured and what was said and accepted, judged as a service's is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from clearline.agreement.evidence import load_evidence
from clearline.agreement.moments import datetime_us, length_text, moment_text, utc
from clearline.agreement.months import Month
from clearline.agreement.problems import listed
from clearline.agreement.statement import evaluate
from clearline.platform.agreements.models import Agreement, AgreementVersion
from clearline.platform.availability.models import Target
from clearline.platform.maintenance.announcing import Piece, entries_of, pieces_by_customer
from clearline.platform.maintenance.models import Window
from clearline.platform.outages.effect import Said, effect_of
from clearline.platform.status.parts import Part

HISTORY_MONTHS = 12

COUNTS = {"excluded": "is left out", "up": "counts as uptime", "down": "counts as downtime"}


@dataclass(frozen=True, slots=True)
class MonthFigure:
    """A component's month."""

    month: str
    uptime: str | None
    """Percent, as the agreement measures it, cut off after four decimals; None: not measured."""
    coverage: str
    """Percent of the month so far that was observed."""


def agreement_of(part: Part, otherwise: Agreement | None) -> Agreement | None:
    """By whose terms a component is judged: those of the first service that rests on it."""
    return part.services[0].agreement if part.services else otherwise


def reading(agreement: Agreement | None, now: datetime) -> str:
    """How the agreement in force takes maintenance and what was not measured, as a sentence; empty without one."""
    version = _version(agreement, agreement.month_of(now)) if agreement else None
    terms = version.terms.commitments.availability if version else None
    if terms is None:
        return ""
    notice, maintenance = terms.maintenance.notice_us, COUNTS[terms.maintenance.counts_as]
    announced = f"at least {length_text(notice)} before it" if notice else "before it"
    return f"Maintenance announced {announced} {maintenance}; what was not measured {COUNTS[terms.unknown]}."


def months(part: Part, agreement: Agreement, now: datetime) -> list[MonthFigure]:
    """The months since the component's first target was added, latest first."""
    if not part.targets:
        return []
    added_at = min(target.added_at for target in part.targets)
    last, first = agreement.month_of(now), agreement.month_of(added_at)
    begin = max(first.index, last.index - HISTORY_MONTHS + 1)
    return [month_figure(part, agreement, Month.of_index(index), now) for index in range(last.index, begin - 1, -1)]


def month_figure(part: Part, agreement: Agreement, month: Month, now: datetime) -> MonthFigure:
    """A component's month as the service has it that it was worst for.

    Each differing whole of accepted declarations and corrections is put together by `effect_of`, as a statement's
    evidence is, and judged by `evaluate`, as a statement is.
    """
    nothing = MonthFigure(str(month), None, "0.0000")
    version = _version(agreement, month)
    if version is None:
        return nothing
    span = month.interval(version.terms.zone)
    figures = []
    for said in {each.within(span) for each in part.said()}:
        document = _evidence(part, said, month, span, min(datetime_us(now), span[1]))
        evidence, problems = load_evidence(document, "status")
        if evidence is None:
            raise ValueError(f"the status page gathered evidence that is refused: {listed(problems)}")
        verdict = evaluate(version.terms, evidence).to_json()["commitments"].get("availability")
        if verdict is not None:
            figures.append(MonthFigure(str(month), verdict["measured"], verdict["coverage"]))
    measured = [figure for figure in figures if figure.uptime is not None]
    return min(measured or figures, key=_goodness, default=nothing)


def _goodness(figure: MonthFigure) -> tuple[Decimal, Decimal]:
    return Decimal(figure.uptime or 0), Decimal(figure.coverage)


def _version(agreement: Agreement, month: Month) -> AgreementVersion | None:
    return agreement.in_force(month) or agreement.versions.order_by("effective").first()


def _evidence(part: Part, said: Said, month: Month, span: tuple[int, int], as_of_us: int) -> dict[str, Any]:
    within = (span[0], max(span[0], as_of_us))
    added_us = min(datetime_us(target.added_at) for target in part.targets)
    return {
        "schema": "clearline/evidence/1",
        "customer": {"id": "public", "name": "public"},
        "service": {
            "id": f"component-{part.listing.pk}",
            "name": part.listing.name,
            "monthly_fee": {"amount": "0.00", "currency": "EUR"},
            "from": moment_text(added_us),
            "until": None,
        },
        "month": str(month),
        "as_of": moment_text(as_of_us),
        "availability": effect_of(said, _there(part.targets, span[1]), within, as_of_us).to_json(_windows(part, span)),
    }


def _there(targets: Sequence[Target], until_us: int) -> list[Target]:
    """The targets that had been added by then: one that came later makes no earlier month unmeasured."""
    return [target for target in targets if datetime_us(target.added_at) < until_us]


def _windows(part: Part, span: tuple[int, int]) -> Iterable[dict[str, Any]]:
    """Windows that affect the component, as the customer who was told last of each knew them."""
    windows = Window.objects.filter(
        services__in=part.services, from_at__lt=utc(span[1]), until_at__gt=utc(span[0]), approved_at__isnull=False
    )
    for window in windows.distinct().order_by("from_at", "pk").prefetch_related("services"):
        affected = [service for service in part.services if service in window.services.all()]
        customers = {service.customer.pk: service.customer for service in affected}
        known = pieces_by_customer(window, customers.values())
        yield from entries_of(window, max(known.values(), key=_told_last, default=[]))


def _told_last(pieces: Sequence[Piece]) -> tuple[bool, float]:
    first = pieces[0].announced_at if pieces else None
    return (first is None, first.timestamp() if first else 0.0)
