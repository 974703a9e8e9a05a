"""Calls as the pages ask for them, always of one provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import Provider
from clearline.platform.calls.models import Upload
from clearline.platform.measurements import records
from clearline.records.figures import totals
from clearline.records.paging import Place, latest_calls
from clearline.records.schema import CallRecord, StreamRecord

STREAMS_BEGIN_WITHIN_US = 86_400_000_000
"""A call's streams begin within a day of it; a capture may hold a stream's beginning before its call's."""

LATEST_US = datetime_us(datetime.max.replace(tzinfo=UTC))
"""What an address can say at most; a database's whole numbers end soon after."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A list of calls in figures; None where nothing was measured."""

    calls: int
    measured: int
    listening_only: int
    mean_mos_x100: int | None
    """Cut off, not rounded."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, latest first, and where older ones begin: a text for the next question; None if there are none."""

    calls: list[CallRecord]
    older: str | None


def page_of(provider: Provider, span: Interval, count: int, before: str = "") -> Page:
    """The provider's latest calls that began in a span; those before a page's end, if given.

    Raises:
        ValueError: `before` is no page's end.
    """
    start, _, key = before.partition("-")
    if before and not 0 <= int(start) <= LATEST_US:
        raise ValueError("No call begins then.")
    place = Place(int(start), key) if before else None
    since_us, until_us = span
    found = latest_calls(
        records(), tenant=provider.tenant, since_us=since_us, until_us=until_us, limit=count + 1, before=place
    )
    shown = found[:count]
    return Page(shown, f"{shown[-1].start_us}-{shown[-1].key}" if len(found) > count else None)


def summary_of(provider: Provider, span: Interval) -> Summary:
    """All of the provider's calls that began in a span, in figures."""
    found = totals(records(), tenant=provider.tenant, since_us=span[0], until_us=span[1])
    if not found:
        return Summary(0, 0, 0, None)
    (sums,) = found
    measured = sums["measured"]
    mean = sums["mos_x100"] // measured if measured else None
    return Summary(sums["attempts"], measured, sums["listening_only"], mean)


def calls_in(upload: Upload) -> list[CallRecord]:
    """The calls found in a capture, in order."""
    if upload.first_at is None or upload.last_at is None:
        return []
    found = records().calls(
        tenant=upload.service.customer.provider.tenant,
        service=upload.service.code,
        since_us=datetime_us(upload.first_at),
        until_us=datetime_us(upload.last_at) + 1,
    )
    return [call for call in found if call.source == upload.source]


def find_call(provider: Provider, start_us: int, key: str) -> CallRecord | None:
    """A call by its start and key."""
    if start_us > LATEST_US:
        return None
    found = records().calls(tenant=provider.tenant, since_us=start_us, until_us=start_us + 1)
    return next((call for call in found if call.key == key), None)


def streams_of(call: CallRecord) -> list[StreamRecord]:
    """The streams of a call."""
    since_us, until_us = call.start_us - STREAMS_BEGIN_WITHIN_US, call.start_us + STREAMS_BEGIN_WITHIN_US
    return records().streams(tenant=call.tenant, call_key=call.key, since_us=since_us, until_us=until_us)


def summary(calls: Sequence[CallRecord]) -> Summary:
    """Sum a list of calls up."""
    scores = [call.mos_x100 for call in calls if call.mos_x100 is not None]
    return Summary(
        calls=len(calls),
        measured=len(scores),
        listening_only=sum(call.mos_basis == "lq" for call in calls),
        mean_mos_x100=sum(scores) // len(scores) if scores else None,
    )
