"""Who is due to be told of an alert: the chain of those on call, and the clock of the restoration."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from clearline.platform.alerts.models import Alert, Responder

MARKS_MIN = (15, 30, 45)
"""An outage that still runs so many minutes after its first failing sample is told to everybody on call, acknowledged
or not: the promise is to restore within the hour."""


def due(alert: Alert, chain: Iterable[Responder], now: datetime) -> Iterator[tuple[Responder, str]]:
    """Yield who is to be told by now, and the step: `chain`, or the last mark that passed, such as `15`.

    Whoever has been told the same step is yielded again: telling the same thing twice changes nothing. In quiet hours
    nobody is due; after them, whoever is still to be told.
    """
    mark = _mark(alert, now)
    for responder in chain:
        if responder.is_quiet(now) and not (alert.is_critical and responder.critical_passes):
            continue
        turn = alert.opened_at + timedelta(minutes=responder.after_minutes)
        if alert.acknowledged_at is None and turn <= now:
            yield responder, "chain"
        if mark is not None:
            yield responder, mark


def _mark(alert: Alert, now: datetime) -> str | None:
    """The last mark that an outage passed while its alert was open."""
    if alert.kind != Alert.Kind.OUTAGE:
        return None
    passed = [mark for mark in MARKS_MIN if alert.opened_at < alert.began_at + timedelta(minutes=mark) <= now]
    return str(passed[-1]) if passed else None
