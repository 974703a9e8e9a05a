"""An outage as its page shows it, found by its name: a measured one (`O-3-…`) or a declared one (`D-3`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us, utc
from clearline.platform.accounts.models import Provider, User
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import RECENT_US, Now, Seen, outages_of
from clearline.platform.availability.outages import Outage
from clearline.platform.customers.models import Service
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.outages.scope import services_of
from clearline.records.schema import DAY_US

MEASURED = re.compile(r"O-(\d{1,18})-(\d{8}T\d{6}Z)")
DECLARED = re.compile(r"D-(\d{1,18})")

NEAR_US = 120_000_000
"""Samples that arrive late may move an outage's start, and with it its name; an older name is found this near."""


@dataclass(frozen=True, slots=True)
class Case:
    """One outage: what was measured or declared of it and whom it touches."""

    code: str
    from_us: int
    until_us: int | None
    """None while it runs."""
    reason: str
    services: list[Service]
    target: Target | None = None
    """What it was measured at."""
    outage: Outage | None = None
    """As it was measured."""
    declaration: Declaration | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on, as far as is known; a declared one that nobody accepted does not."""
        return self.until_us is None and (self.declaration is None or self.declaration.accepted)

    def length_us(self, now_us: int) -> int:
        """How long it lasted, or lasts by now."""
        return (now_us if self.until_us is None else self.until_us) - self.from_us


def find_case(user: User, code: str, now: datetime) -> Case | None:
    """The outage of a name, if the user may see it."""
    if found := DECLARED.fullmatch(code):
        declaration = Declaration.objects.visible_to(user).filter(pk=int(found[1])).first()
        return case_of_declaration(declaration) if declaration else None
    if found := MEASURED.fullmatch(code):
        target = (
            Target.objects.visible_to(user).filter(pk=int(found[1])).select_related("provider", "component").first()
        )
        return _measured(target, found[2], now) if target else None
    return None


def _measured(target: Target, second: str, now: datetime) -> Case | None:
    try:
        from_us = datetime_us(datetime.strptime(second, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    except ValueError:
        return None
    day_us = from_us - from_us % DAY_US
    span = (day_us, day_us + DAY_US)
    near = [
        (abs(seen.outage.from_us - from_us), seen)
        for seen in outages_of([target], span, datetime_us(now))
        if abs(seen.outage.from_us - from_us) <= NEAR_US
    ]
    if not near:
        return None
    seen = _whole(min(near, key=lambda each: each[0])[1], now)
    return case_of_measured(seen)


def _whole(seen: Seen, now: datetime) -> Seen:
    """The same outage as it is known by now: read day by day, one that goes on into the next days ends later."""
    span = (seen.outage.from_us, datetime_us(now) + 1)
    later = outages_of([seen.target], span, datetime_us(now))
    return next((one for one in later if one.outage.from_us == seen.outage.from_us), seen)


def case_of_measured(seen: Seen) -> Case:
    """A measured outage with the services it touches."""
    return Case(
        code=seen.id,
        from_us=seen.outage.from_us,
        until_us=seen.outage.until_us,
        reason=seen.outage.reason,
        services=services_of([seen.target]),
        target=seen.target,
        outage=seen.outage,
    )


def case_of_declaration(declaration: Declaration) -> Case:
    """A declared outage with the services it was declared for."""
    return Case(
        code=declaration.code,
        from_us=datetime_us(declaration.from_at),
        until_us=None if declaration.until_at is None else datetime_us(declaration.until_at),
        reason=declaration.what,
        services=list(declaration.services.select_related("customer__provider", "site", "agreement")),
        declaration=declaration,
    )


def corrections_of(case: Case, user: User) -> list[Correction]:
    """The corrections that name an outage, newest first."""
    found = Correction.objects.visible_to(user).filter(outage=case.code)
    return list(found.select_related("made_by", "decided_by").prefetch_related("services__customer"))


def running(provider: Provider, states: Mapping[int, Now], now: datetime) -> list[Case]:
    """A provider's outages that go on now, longest first.

    Args:
        provider: whose.
        states: how the provider's targets do now, by primary key.
        now: the present moment.
    """
    now_us = datetime_us(now)
    down = Target.objects.filter(pk__in=[pk for pk, one in states.items() if one.state == "down"])
    span = (now_us - RECENT_US, now_us + 1)
    seen = outages_of(down.select_related("provider"), span, now_us)
    cases = [case_of_measured(one) for one in seen if one.outage.until_us is None]
    declared = Declaration.objects.filter(provider=provider, accepted=True, until_at=None)
    cases += [case_of_declaration(one) for one in declared]
    return sorted(cases, key=lambda case: (case.from_us, case.code))


def declared_between(user: User, span: Interval) -> list[Declaration]:
    """The declared outages that reach into a span, latest first, whatever was decided about them."""
    found = Declaration.objects.visible_to(user).filter(from_at__lt=utc(span[1])).order_by("-from_at", "-pk")
    return [one for one in found.select_related("made_by") if one.span_us[1] > span[0]]


def undecided(user: User) -> list[Declaration | Correction]:
    """What waits for a second person, oldest first."""
    claims: list[Declaration | Correction] = [
        *Declaration.objects.visible_to(user).filter(decided_at=None).select_related("made_by"),
        *Correction.objects.visible_to(user).filter(decided_at=None).select_related("made_by"),
    ]
    return sorted(claims, key=lambda claim: claim.made_at)
