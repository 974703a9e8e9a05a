"""What changes for the customer from one version of an agreement to the next."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Literal

from clearline.agreement.promises import REVIEW_MONTHS, Agreement
from clearline.agreement.words import day_text

ForCustomer = Literal["better", "worse", "changed"]

ABSENT = object()
"""Stands for a key that one version does not have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose value changed; `old` or `new` is None where the version does not have it, or has null."""

    key: str
    old: Any
    new: Any
    for_customer: ForCustomer

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        return {"key": self.key, "old": self.old, "new": self.new, "for_customer": self.for_customer}


@dataclass(frozen=True, slots=True)
class Diff:
    """The step from one version to the next.

    Attributes:
        changes: in the order of the format's keys.
        notify_by: the last day on which customers can be notified in time.
        problems: sentences about how the change breaks the old version's own rules.
    """

    changes: tuple[Change, ...]
    notify_by: date
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "notify_by": self.notify_by.isoformat(),
            "problems": list(self.problems),
        }


def diff(old: Agreement, new: Agreement, notified: date | None = None) -> Diff:
    """Compare two versions of an agreement.

    Args:
        old: the version in force.
        new: the version that follows it.
        notified: the day customers were notified of it, if they were.
    """
    before, after = dict(_flat(old)), dict(_flat(new))
    keys = list(before) + [key for key in after if key not in before]
    changes = tuple(
        _change(key, before.get(key, ABSENT), after.get(key, ABSENT))
        for key in keys
        if before.get(key, ABSENT) != after.get(key, ABSENT)
    )
    notify_by = new.effective - timedelta(days=old.notice_days)
    return Diff(changes, notify_by, tuple(_problems(old, new, changes, notify_by, notified)))


def _problems(
    old: Agreement, new: Agreement, changes: tuple[Change, ...], notify_by: date, notified: date | None
) -> Iterator[str]:
    if new.id != old.id:
        yield f"id: {new.id} is another agreement than {old.id}"
    if changes and new.version == old.version:
        yield f"version: the terms changed, but the version is still {new.version}"
    if new.effective <= old.effective:
        yield f"effective: {day_text(new.effective)} is not after the old version's {day_text(old.effective)}"
    if new.effective.day != 1:
        yield f"effective: {day_text(new.effective)} is not the first day of a month"
    if notified is not None and notified > notify_by:
        yield (
            f"effective: customers were notified on {day_text(notified)}, later than {old.notice_days} days before "
            f"{day_text(new.effective)}"
        )


def _flat(agreement: Agreement) -> Iterator[tuple[str, Any]]:
    """Yield the terms by key; rules are known by their commitment and triggers by what they are, not by their order."""
    document = agreement.document
    for key in ("title", "notice_days", "time_zone"):
        yield key, document[key]
    for name, commitment in document["commitments"].items():
        if commitment is not None:
            yield f"commitments.{name}", True
            yield from _leaves(f"commitments.{name}", commitment)
    yield from _leaves("coverage", document["coverage"])
    for rule in document["credits"]["rules"]:
        at = f"credits.rules.{rule['commitment']}"
        yield at, True
        yield from _leaves(at, {key: value for key, value in rule.items() if key != "commitment"})
    yield from _leaves("credits", {key: value for key, value in document["credits"].items() if key != "rules"})
    for trigger in agreement.termination.triggers:
        yield f"termination.any_of {' '.join(f'{key} {value}' for key, value in trigger.to_json().items())}", True
    yield "termination.open_days", document["termination"]["open_days"]
    yield "termination.text", document["termination"]["text"]
    yield "reviews", document["reviews"]


def _leaves(at: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{at}.{key}", item)
    else:
        yield at, value


Worth = Callable[[Any], Any]
"""A value of a key → something that is greater the better the value is for the customer."""


def _more(value: Any) -> Fraction:
    return Fraction(value)


def _less(value: Any) -> Fraction:
    return -Fraction(value)


def _cap(value: Any) -> tuple[bool, Fraction]:
    return (True, Fraction(0)) if value is None else (False, Fraction(value))


def _rank(*worst_to_best: Any) -> Worth:
    return worst_to_best.index


WORTH: Mapping[str, Worth] = {
    "notice_days": _more,
    "target": _more,
    "notice_hours": _more,
    "counts_as": _rank("up", "excluded", "down"),
    "unknown": _rank("up", "excluded", "down"),
    "minimum_outage_seconds": _less,
    "within_seconds": _less,
    "one_way_delay_ms": _less,
    "jitter_ms": _less,
    "loss_percent": _less,
    "video_mos": _more,
    "share_percent": _more,
    "minimum_percent": _more,
    "minimum_calls": _less,
    "step": _less,
    "step_seconds": _less,
    "percent": _more,
    "count": _rank("full", "prorata", "started"),
    "per": lambda per: per != "worst",
    "stacking": _rank("highest", "sum"),
    "cap_percent": _cap,
    "pro_rata_fee": _rank(True, False),
    "open_days": _more,
    "reviews": lambda reviews: -REVIEW_MONTHS[reviews],
}
"""Last part of a key → how its values compare for the customer; a key that is not here is neither better nor worse."""


def _change(key: str, old: Any, new: Any) -> Change:
    name = key.rpartition(".")[2]
    if old is ABSENT or new is ABSENT:
        whole = old is True or new is True
        for_customer: ForCustomer = ("better" if old is ABSENT else "worse") if whole else "changed"
        return Change(key, None if old is ABSENT else old, None if new is ABSENT else new, for_customer)
    if name == "exclusions":
        return Change(key, old, new, _of_sets(frozenset(old), frozenset(new)))
    if name in WORTH:
        before, after = WORTH[name](old), WORTH[name](new)
        return Change(key, old, new, "changed" if before == after else "better" if after > before else "worse")
    return Change(key, old, new, "changed")


def _of_sets(old: frozenset[str], new: frozenset[str]) -> ForCustomer:
    """Fewer causes of exclusion are better; other ones are neither."""
    if new < old:
        return "better"
    return "worse" if old < new else "changed"
