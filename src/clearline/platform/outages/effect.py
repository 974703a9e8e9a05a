"""What a service's or a public component's time counts as: measured, declared and accepted, or corrected.

Nothing is overwritten: the layers are put together anew each time, the samples below and the decisions of people above.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import Seen, observe, observed_of, outages_of
from clearline.platform.customers.models import Service
from clearline.platform.outages.models import FOREVER_US, Correction, Declaration


@dataclass(frozen=True, slots=True)
class Down:
    """An entry of a service's downtime; `until_us` is `FOREVER_US` while it runs."""

    id: str
    from_us: int
    until_us: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The entry as evidence has it."""
        until = None if self.until_us == FOREVER_US else moment_text(self.until_us)
        return {"id": self.id, "from": moment_text(self.from_us), "until": until, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Effect:
    """What time counts as, as far as it is up, down or unknown, and what people moved elsewhere."""

    observed: IntervalSet
    downtime: tuple[Down, ...]
    """By start."""
    maintenance: tuple[dict[str, Any], ...] = ()
    excluded: tuple[dict[str, Any], ...] = ()
    """Entries of the evidence that corrections make."""

    def to_json(self, maintenance: Iterable[dict[str, Any]], excluded: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
        """The part `availability` of an evidence document.

        Args:
            maintenance: the announced windows, as entries.
            excluded: time left out for a cause, as entries.
        """
        return {
            "observed": [[moment_text(from_us), moment_text(until_us)] for from_us, until_us in self.observed],
            "downtime": [down.to_json() for down in self.downtime],
            "maintenance": [*maintenance, *self.maintenance],
            "excluded": [*excluded, *self.excluded],
        }


@dataclass(frozen=True, slots=True)
class Said:
    """What people said about a service and a second person accepted."""

    declarations: tuple[Declaration, ...] = ()
    corrections: tuple[Correction, ...] = ()
    """In the order in which they were decided."""

    def within(self, span: Interval) -> "Said":
        """What of it reaches into a span."""

        def reaches(one: Declaration | Correction) -> bool:
            return one.span_us[0] < span[1] and one.span_us[1] > span[0]

        return Said(tuple(filter(reaches, self.declarations)), tuple(filter(reaches, self.corrections)))


def said_of(service: Service) -> Said:
    """What was said about a service and accepted."""
    corrections = [one for one in service.corrections.all() if one.accepted]
    return Said(
        tuple(one for one in service.declarations.all() if one.accepted),
        tuple(sorted(corrections, key=lambda one: (one.decided_at, one.pk))),
    )


def effect_of(said: Said, targets: Sequence[Target], span: Interval, now_us: int) -> Effect:
    """Put together what some targets measured and what was said, as it is known at `now_us`.

    An outage that reaches into the span is whole, with all that overlaps it, and as it was corrected before the span,
    with its end where that is known by now, after the span too.
    """
    reach, downtime = span, _downtime(said, targets, span, now_us)
    while (began_us := _began_us(said.within(reach), downtime)) < reach[0]:
        reach = began_us, span[1]
        downtime = _downtime(said, targets, reach, now_us)
    made = corrected(_observed(targets, span, now_us), downtime, said.within(reach).corrections)
    return Effect(
        made.observed & IntervalSet.of([span]),
        tuple(down for down in made.downtime if down.until_us > reach[0] and down.from_us < span[1]),
        tuple(made.maintenance),
        tuple(made.excluded),
    )


def _began_us(said: Said, downtime: Sequence[Down]) -> int:
    """When the earliest of what is down began, as measured, declared or corrected; `FOREVER_US` where nothing is."""
    corrections = [one.span_us[0] for one in said.corrections if one.becomes == Correction.Becomes.DOWN]
    return min([FOREVER_US, *corrections, *(down.from_us for down in downtime)])


def _downtime(said: Said, targets: Sequence[Target], span: Interval, now_us: int) -> list[Down]:
    """What was measured and declared and reaches into a span, by start."""
    measured = [down_of(seen) for seen in outages_of(targets, span, now_us)]
    declared = [
        Down(one.code, *one.span_us, f"declared by {one.said_by}: {one}") for one in said.within(span).declarations
    ]
    return sorted([*measured, *declared], key=lambda down: (down.from_us, down.id))


def _observed(targets: Sequence[Target], span: Interval, now_us: int) -> IntervalSet:
    """Where all the targets that were there were observed; nowhere when there were none.

    A target that is added, or retired, says nothing of the time before, or after: the others do.
    """
    there = [(_since_us(target, span, now_us), _until_us(target), target) for target in targets]
    cuts = sorted({cut for since_us, until_us, _ in there for cut in (since_us, until_us) if span[0] < cut < span[1]})
    observed = IntervalSet()
    for part in pairwise([span[0], *cuts, span[1]]):
        standing = [target for since_us, until_us, target in there if since_us <= part[0] < until_us]
        observed |= observed_of(standing, span, now_us) & IntervalSet.of([part])
    return observed


def _since_us(target: Target, span: Interval, now_us: int) -> int:
    """From when a target is there: when it was added, or its first sample within the span where that is earlier."""
    seen = observe(target, span, now_us).observed
    return min([datetime_us(target.added_at), *(from_us for from_us, _ in seen)])


def _until_us(target: Target) -> int:
    return FOREVER_US if target.retired_at is None else datetime_us(target.retired_at)


def down_of(seen: Seen) -> Down:
    """A measured outage as an entry of downtime."""
    until_us = FOREVER_US if seen.outage.until_us is None else seen.outage.until_us
    return Down(seen.id, seen.outage.from_us, until_us, seen.outage.reason)


@dataclass(slots=True)
class _Made:
    observed: IntervalSet
    downtime: list[Down] = field(default_factory=list)
    not_down: IntervalSet = field(default_factory=IntervalSet)
    maintenance: list[dict[str, Any]] = field(default_factory=list)
    excluded: list[dict[str, Any]] = field(default_factory=list)


def corrected(observed: IntervalSet, downtime: Iterable[Down], corrections: Sequence[Correction]) -> _Made:
    """Let corrections take effect; where several are about the same instant, the one decided last.

    Args:
        observed: where it was measured.
        downtime: measured and declared.
        corrections: accepted, in the order in which they were decided.
    """
    made = _Made(observed)
    decided_later = IntervalSet()
    for correction in reversed(corrections):
        own = IntervalSet.of([correction.span_us]) - decided_later
        decided_later |= own
        _apply(correction, own, made)
    made.downtime += _told_apart(piece for down in downtime for piece in _without(down, made.not_down))
    made.downtime.sort(key=lambda down: (down.from_us, down.id))
    return made


def _apply(correction: Correction, own: IntervalSet, made: _Made) -> None:
    """Let one correction take effect where no later one does."""
    becomes, parts = correction.becomes, list(_named(correction.code, own))
    if becomes in (Correction.Becomes.UP, Correction.Becomes.UNKNOWN):
        made.not_down |= own
        made.observed = made.observed | own if becomes == Correction.Becomes.UP else made.observed - own
    elif becomes == Correction.Becomes.DOWN:
        made.downtime += [Down(id_, *part, f"corrected: {correction.reason}") for id_, part in parts]
        made.observed |= own
    elif becomes == Correction.Becomes.MAINTENANCE:
        announced_at = correction.announced_at
        announced = None if announced_at is None else moment_text(datetime_us(announced_at))
        made.maintenance += [_entry(id_, part) | {"announced_at": announced} for id_, part in parts]
    else:
        by = str(correction.decided_by)
        more = {"cause": correction.cause, "reason": correction.reason, "approved_by": by}
        made.excluded += [_entry(id_, part) | more for id_, part in parts]


def _entry(id_: str, span: Interval) -> dict[str, Any]:
    return {"id": id_, "from": moment_text(span[0]), "until": moment_text(span[1])}


def _without(down: Down, taken: IntervalSet) -> list[Down]:
    """What is left of an entry."""
    left = IntervalSet.of([(down.from_us, down.until_us)]) - taken
    return [Down(down.id, *span, down.reason) for span in left]


def _told_apart(entries: Iterable[Down]) -> Iterator[Down]:
    """Pieces of an outage share its name, as do outages that began in one second: all but the first get a number."""
    named: Counter[str] = Counter()
    for one in entries:
        number = named[one.id]
        named[one.id] += 1
        yield replace(one, id=f"{one.id}.{number}") if number else one


def _named(name: str, spans: IntervalSet) -> Iterable[tuple[str, Interval]]:
    for number, span in enumerate(spans):
        yield f"{name}.{number}" if number else name, span
