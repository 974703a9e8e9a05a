"""The month's evidence: everything observed about one service, gathered into the one document the agreement judges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from clearline.agreement.evidence import Evidence, load_evidence
from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us, moment_text, utc
from clearline.agreement.months import Month
from clearline.agreement.problems import listed
from clearline.platform.agreements.models import AgreementVersion
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.desk.services import requests_between
from clearline.platform.maintenance.announcing import entries_of, pieces_for
from clearline.platform.measurements import records
from clearline.platform.outages.effect import effect_of, said_of
from clearline.platform.outages.scope import targets_of
from clearline.records import evidence as records_evidence
from clearline.records.figures import totals


def collect_evidence(
    service: Service, version: AgreementVersion, month: Month, now: datetime, targets: Sequence[Target] | None = None
) -> dict[str, Any]:
    """Gather what was observed about a service in a month until `now` or, once the month is over, until its end.

    Args:
        service: whose month it is.
        version: the agreement version in force, whose time zone bounds the month and whose limits calls are held to.
        month: the calendar month.
        now: the present moment.
        targets: what stands for the service; None: what does now.

    Returns:
        A document of the format `clearline/evidence/1`.
    """
    span, now_us = month.interval(version.terms.zone), datetime_us(now)
    as_of_us = min(now_us, span[1])
    targets = targets_of(service) if targets is None else targets
    document: dict[str, Any] = {
        "schema": "clearline/evidence/1",
        "customer": {"id": service.customer.code, "name": service.customer.name},
        "service": {
            "id": service.code,
            "name": service.name,
            "monthly_fee": service.fee.to_json(),
            "from": _moment(service.starts_at),
            "until": _moment(service.ends_at) if service.ends_at else None,
        },
        "month": str(month),
        "as_of": moment_text(as_of_us),
        "availability": _availability(service, targets, span, now_us),
        "support": _support(service, span, as_of_us),
    }
    return document | _calls_parts(service, version, (span[0], max(span[0], as_of_us)))


def read_evidence(document: dict[str, Any]) -> Evidence:
    """The document as the agreement takes it."""
    evidence, problems = load_evidence(document, "evidence")
    if evidence is None:
        raise ValueError(f"the platform gathered evidence that it refuses itself: {listed(problems)}")
    return evidence


def prolonged(document: dict[str, Any], at_us: int) -> dict[str, Any]:
    """The evidence as it would be at a later moment, were the service observed until then and nothing else happened.

    What is down goes on; a document that reaches up to the moment already is returned itself.
    """
    as_of = document["as_of"]
    if at_us <= datetime_us(datetime.fromisoformat(as_of)):
        return document
    seen = document["availability"]
    observed = [*seen["observed"], [as_of, moment_text(at_us)]]
    return {**document, "as_of": moment_text(at_us), "availability": {**seen, "observed": observed}}


def listening_only(service: Service, span: Interval) -> int:
    """How many of the service's calls that began in a span are scored on listening quality alone."""
    tenant, of = service.customer.provider.tenant, {"service": [service.code]}
    sums = totals(records(), tenant=tenant, since_us=span[0], until_us=span[1], where=of)
    return sum(row["listening_only"] for row in sums)


def _availability(service: Service, targets: Sequence[Target], span: Interval, now_us: int) -> dict[str, Any]:
    """What was seen in a span; maintenance and exclusions since the beginning of an outage that reaches into it."""
    effect = effect_of(said_of(service), targets, (span[0], max(span[0], min(now_us, span[1]))), now_us)
    span = min([span[0], *(down.from_us for down in effect.downtime)]), span[1]
    excluded = [
        {
            "id": exclusion.code,
            "from": _moment(exclusion.from_at),
            "until": _moment(exclusion.until_at),
            "cause": exclusion.cause,
            "reason": exclusion.reason,
            "approved_by": str(exclusion.approved_by),
        }
        for exclusion in service.exclusions.select_related("approved_by")
        .filter(from_at__lt=utc(span[1]), until_at__gt=utc(span[0]))
        .order_by("from_at", "pk")
    ]
    return effect.to_json(_maintenance(service, span), excluded)


def _maintenance(service: Service, span: Interval) -> list[dict[str, Any]]:
    """The windows that reach into the month, cut where the customer was told of them at different moments."""
    windows = service.windows.filter(from_at__lt=utc(span[1]), until_at__gt=utc(span[0])).order_by("from_at", "pk")
    known = pieces_for(windows, service.customer)
    return [entry for window in windows for entry in entries_of(window, known[window.pk])]


def _support(service: Service, span: Interval, as_of_us: int) -> list[dict[str, Any]]:
    as_of = utc(as_of_us)
    return [
        {
            "id": request.code,
            "received_at": _moment(request.received_at),
            "first_response_at": _moment(request.answered_at)
            if request.answered_at is not None and request.answered_at <= as_of
            else None,
        }
        for request in requests_between(service, utc(span[0]), as_of)
    ]


def _calls_parts(service: Service, version: AgreementVersion, span: Interval) -> dict[str, Any]:
    """The parts of the evidence that come from calls; none in a month without one."""
    store, tenant = records(), service.customer.provider.tenant
    since_us, until_us = span
    voice = records_evidence.voice(store, tenant=tenant, service=service.code, since_us=since_us, until_us=until_us)
    if not voice["calls"]:
        return {}
    terms = version.terms.commitments.experience
    if terms is None:
        return {"voice": voice}
    texts = (terms.one_way_delay_ms, terms.jitter_ms, terms.loss_percent, terms.video_mos)
    limits = records_evidence.Limits.of(*(str(text) for text in texts))
    experience = records_evidence.experience(
        store, tenant=tenant, service=service.code, since_us=since_us, until_us=until_us, limits=limits
    )
    return {"voice": voice, "experience": experience}


def _moment(moment: datetime) -> str:
    return moment_text(datetime_us(moment))
