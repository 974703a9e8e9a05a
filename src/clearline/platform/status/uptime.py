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
    said = part.said()
    return [_figure(part, said, agreement, Month.of_index(index), now) for index in range(last.index, begin - 1, -1)]


def _figure(part: Part, said: Iterable[Said], agreement: Agreement, month: Month, now: datetime) -> MonthFigure:
    """A component's month as the service has it that it was worst for.

    Each differing whole of accepted declarations and corrections is put together by `effect_of`, as a statement's
    evidence is, and judged by `evaluate`, as a statement is.
    """
    version = _version(agreement, month)
    if version is None:
        return MonthFigure(str(month), None, "0.0000")
    span = month.interval(version.terms.zone)
    now_us = datetime_us(now)
    as_of_us = min(now_us, span[1])
    within = (span[0], max(span[0], as_of_us))
    windows, document = _windows(part, span), _document(part, month, as_of_us)
    figures = [
        _judged(document | {"availability": effect_of(each, part.targets, within, now_us).to_json(windows)}, version)
        for each in {one.within(span) for one in said}
    ]
    measured = [figure for figure in figures if figure.uptime is not None]
    return min(measured or figures, key=_goodness)


def _judged(document: dict[str, Any], version: AgreementVersion) -> MonthFigure:
    evidence, problems = load_evidence(document, "status")
    if evidence is None:
        raise ValueError(f"the status page gathered evidence that is refused: {listed(problems)}")
    verdict = evaluate(version.terms, evidence).to_json()["commitments"].get("availability")
    if verdict is None:
        return MonthFigure(document["month"], None, "0.0000")
    return MonthFigure(document["month"], verdict["measured"], verdict["coverage"])


def _goodness(figure: MonthFigure) -> tuple[Decimal, Decimal]:
    return Decimal(figure.uptime or 0), Decimal(figure.coverage)


def _version(agreement: Agreement, month: Month) -> AgreementVersion | None:
    return agreement.in_force(month) or agreement.versions.order_by("effective").first()


def _document(part: Part, month: Month, as_of_us: int) -> dict[str, Any]:
    """The evidence of a component's month, without what was observed."""
    return {
        "schema": "clearline/evidence/1",
        "customer": {"id": "public", "name": "public"},
        "service": {
            "id": f"component-{part.listing.pk}",
            "name": part.listing.name,
            "monthly_fee": {"amount": "0.00", "currency": "EUR"},
            "from": moment_text(min(datetime_us(target.added_at) for target in part.targets)),
            "until": None,
        },
        "month": str(month),
        "as_of": moment_text(as_of_us),
    }


def _windows(part: Part, span: tuple[int, int]) -> list[dict[str, Any]]:
    """Windows that affect the component, as the customer who was told last of each knew them."""
    entries: list[dict[str, Any]] = []
    own = {service.pk: service.customer for service in part.services}
    windows = Window.objects.filter(
        provider=part.listing.component.provider, from_at__lt=utc(span[1]), until_at__gt=utc(span[0])
    )
    for window in windows.exclude(approved_at=None).order_by("from_at", "pk").prefetch_related("services"):
        customers = {own[service.pk] for service in window.services.all() if service.pk in own}
        known = pieces_by_customer(window, customers)
        entries += entries_of(window, max(known.values(), key=_told_last, default=[]))
    return entries


def _told_last(pieces: Sequence[Piece]) -> tuple[bool, float]:
    first = pieces[0].announced_at if pieces else None
    return (first is None, first.timestamp() if first else 0.0)
