"""When a customer was told of each part of a maintenance window: the moment a notice of it was accepted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Q

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.customers.models import Customer
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.outbox.models import Delivery


@dataclass(frozen=True, slots=True)
class Told:
    """One notice of a window, as one customer got it."""

    from_at: datetime
    until_at: datetime
    accepted_at: datetime | None
    """The first moment one of the customer's contacts accepted it; None: none has."""
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a window, and since when the customer has known of it; None: it does not."""

    from_at: datetime
    until_at: datetime
    announced_at: datetime | None


def pieces(from_at: datetime, until_at: datetime, told: Sequence[Told]) -> list[Piece]:
    """Cut a window where what the customer knew of it changes.

    A part counts as announced when the first notice of it was accepted, unless a later notice took it back: then by
    the first one after that. An extension is thus announced later than the rest.

    Args:
        from_at: the window as it is now.
        until_at: its end, exclusive.
        told: its notices, by sequence.
    """
    inside = {moment for one in told for moment in (one.from_at, one.until_at) if from_at < moment < until_at}
    cuts = sorted({from_at, until_at} | inside)
    found: list[Piece] = []
    for begins, ends in pairwise(cuts):
        announced_at = _announced(begins, ends, told)
        if found and found[-1].announced_at == announced_at:
            begins = found.pop().from_at  # noqa: PLW2901  # joined with the part before
        found.append(Piece(begins, ends, announced_at))
    return found


def _announced(from_at: datetime, until_at: datetime, told: Sequence[Told]) -> datetime | None:
    first: datetime | None = None
    for one in reversed(told):
        if one.cancels or not (one.from_at <= from_at and until_at <= one.until_at):
            break
        if one.accepted_at is not None:
            first = one.accepted_at if first is None else min(first, one.accepted_at)
    return first


def pieces_for(windows: Iterable[Window], customer: Customer) -> dict[int, list[Piece]]:
    """The pieces of some windows as one customer knew them, by the window's primary key.

    Windows nobody approved and cancelled ones have none. Completed early, a window ends with its completion.
    """
    found = {window.pk: window for window in windows}
    notices: dict[int, list[Notice]] = defaultdict(list)
    for notice in Notice.objects.filter(window__in=found).select_related("window").order_by("sequence"):
        notices[notice.window.pk].append(notice)
    abouts = {notice.about(customer) for each in notices.values() for notice in each}
    accepted = _first_accepted(Q(provider=customer.provider_id, about__in=abouts))
    return {pk: _cut(window, notices[pk], accepted, customer) for pk, window in found.items()}


def entries_of(window: Window, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    """A window's pieces as the entries of an evidence document."""
    return [
        {
            "id": f"{window.code}.{number}" if number else window.code,
            "from": moment_text(datetime_us(piece.from_at)),
            "until": moment_text(datetime_us(piece.until_at)),
            "announced_at": moment_text(datetime_us(piece.announced_at)) if piece.announced_at else None,
        }
        for number, piece in enumerate(pieces)
    ]


def pieces_by_customer(window: Window, customers: Iterable[Customer]) -> dict[int, list[Piece]]:
    """The pieces of one window as each of several customers knew them, by the customer's primary key."""
    notices = list(window.notices.select_related("window"))
    accepted = _first_accepted(deliveries_of(window))
    return {customer.pk: _cut(window, notices, accepted, customer) for customer in customers}


def deliveries_of(window: Window) -> Q:
    """The condition that a delivery is of a notice of this window."""
    return Q(provider=window.provider_id, topic=window.code)


def _first_accepted(which: Q) -> dict[str, datetime]:
    """When what was sent first arrived, by what it is about."""
    found: dict[str, datetime] = {}
    for about, at in Delivery.objects.filter(which, state=Delivery.State.ACCEPTED).values_list("about", "done_at"):
        if at is not None:
            found[about] = min(at, found.get(about, at))
    return found


def _cut(
    window: Window, notices: Sequence[Notice], accepted: Mapping[str, datetime], customer: Customer
) -> list[Piece]:
    until_at = min(window.until_at, window.completed_at or window.until_at)
    if window.approved_at is None or window.cancelled_at is not None or window.from_at >= until_at:
        return []
    if window.announced_at is not None:
        return [Piece(window.from_at, until_at, window.announced_at)]
    told = [
        Told(
            notice.from_at,
            notice.until_at,
            accepted.get(notice.about(customer)),
            cancels=notice.kind == Notice.Kind.CANCELLATION,
        )
        for notice in notices
    ]
    return pieces(window.from_at, until_at, told)
