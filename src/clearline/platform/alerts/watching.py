"""What goes wrong now and somebody on call must hear of."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clearline.agreement.moments import datetime_us, utc
from clearline.platform.accounts.models import Provider
from clearline.platform.alerts.models import Alert, Signal
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import RECENT_US, Now, now_of
from clearline.platform.customers.models import Service
from clearline.platform.outages.cases import Case, running
from clearline.platform.outages.models import Declaration
from clearline.platform.vantages.models import Vantage
from clearline.platform.vantages.services import CUT_OFF_AFTER, condition
from clearline.records.errors import RecordsError

OF_TARGET = re.compile(r"(?:O|target)-(\d+)")
"""The names of what an alert can be about that is measured at a target."""

CERTIFICATE_LEFT = timedelta(days=14)
"""A certificate that ends sooner than this is to be renewed."""


SILENT_FOR = timedelta(minutes=2)
"""A vantage point that was not heard of for so long is told of: one that starts anew is back sooner."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong now."""

    kind: str
    subject: str
    title: str
    text: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything."""

    troubles: tuple[Trouble, ...]
    unseen: frozenset[int] = frozenset()
    """Targets, by primary key, of which nothing is known now: what went wrong there is not known to be over."""

    def is_unseen(self, alert: Alert) -> bool:
        """Whether an alert is about a target of which nothing is known."""
        found = OF_TARGET.match(alert.subject)
        return found is not None and int(found[1]) in self.unseen


def look(provider: Provider, now: datetime) -> Look:
    """Look for what goes wrong for a provider at this moment."""
    targets = list(Target.objects.filter(provider=provider, retired_at=None).select_related("provider"))
    try:
        states = now_of(targets, datetime_us(now))
        found = [_outage(case) for case in running(provider, states, now)]
    except RecordsError as error:
        trouble = _records("The measurements cannot be read", str(error), now)
        return Look(
            (trouble, *_reports(provider), *_vantages(provider, now)), frozenset(target.pk for target in targets)
        )
    found += [*_reports(provider), *_suspicions(provider), *_vantages(provider, now)]
    if _is_unmeasured(targets, states, now):
        found.append(_records("Nothing is measured", "No target was measured in the last ten minutes.", now))
    unseen = frozenset(pk for pk, one in states.items() if one.state == "unknown")
    return Look((*found, *_certificates(targets, states, now)), unseen)


def _outage(case: Case) -> Trouble:
    """An outage, with whom it touches."""
    text = f"{case.reason}\n{_felt(case.services)}"
    what = str(case.target) if case.target else str(case.declaration)
    return Trouble(Alert.Kind.OUTAGE, case.code, f"{what} is down", text, utc(case.from_us))


def _felt(services: Iterable[Service]) -> str:
    felt = [f"{service} ({service.site})" if service.site else str(service) for service in services]
    return "Felt by: " + ", ".join(felt) if felt else "No service is known to depend on it."


def _reports(provider: Provider) -> Iterator[Trouble]:
    """Outages that customers declared themselves and nobody decided on yet."""
    waiting = Declaration.objects.filter(provider=provider, source=Declaration.Source.CUSTOMER, decided_at=None)
    for one in waiting.prefetch_related("services__customer", "services__site"):
        since = f"{one.from_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
        text = f"{one.what}\n\nSince {since}. {_felt(one.services.all())}\nAsk back: {one.contact}"
        yield Trouble(Alert.Kind.REPORT, one.code, f"{one.said_by} reports: {one}", text, one.made_at)


def _suspicions(provider: Provider) -> Iterator[Trouble]:
    """Signals that are suspect; what the probes find then is an outage of its own, or none."""
    for signal in Signal.objects.filter(provider=provider, suspected_since__isnull=False):
        text = f"{signal.said}. Suspect {signal.suspect} {signal.limit:f}{signal.unit}. The targets are probed at once."
        began_at = signal.suspected_since
        if began_at is not None:
            yield Trouble(Alert.Kind.SUSPICION, signal.code, f"{signal} is suspect", text, began_at)


def _vantages(provider: Provider, now: datetime) -> Iterator[Trouble]:
    """Vantage points that are cut off, or whose clock is off: what they measure counts for nothing meanwhile."""
    for vantage in Vantage.objects.filter(provider=provider, enrolled_at__isnull=False, revoked_at=None):
        how = condition(vantage, now)
        heard_at = vantage.seen_at or vantage.enrolled_at or now
        if how.state != "down":
            continue
        if now - heard_at <= CUT_OFF_AFTER:
            yield Trouble(Alert.Kind.VANTAGE, vantage.code, f"The clock of {vantage} is off", how.says, now)
        elif now - heard_at > SILENT_FOR:
            yield Trouble(Alert.Kind.VANTAGE, vantage.code, f"{vantage} is cut off", how.says, heard_at)


def _certificates(targets: Iterable[Target], states: Mapping[int, Now], now: datetime) -> Iterator[Trouble]:
    limit_us = datetime_us(now + CERTIFICATE_LEFT)
    for target in targets:
        sample = states[target.pk].sample
        if sample is not None and sample.expires_at_us is not None and sample.expires_at_us < limit_us:
            ends = f"{utc(sample.expires_at_us).astimezone(UTC):%-d %b %Y, %H:%M} UTC"
            text = f"The certificate that {target.uri} shows is good until {ends}."
            yield Trouble(Alert.Kind.CERTIFICATE, target.code, f"The certificate of {target} ends", text, now)


def _is_unmeasured(targets: Iterable[Target], states: Mapping[int, Now], now: datetime) -> bool:
    """Whether none of the targets that have been there for a while was measured."""
    settled = [target for target in targets if datetime_us(now) - datetime_us(target.added_at) > RECENT_US]
    return bool(settled) and all(states[target.pk].sample is None for target in settled)


def _records(title: str, text: str, now: datetime) -> Trouble:
    return Trouble(Alert.Kind.RECORDS, "records", title, text, now)
