"""Missed months to the right to leave without penalty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clearline.agreement.judge import Status
from clearline.agreement.months import Month, day_start_us
from clearline.agreement.promises import Termination, Trigger


@dataclass(frozen=True, slots=True)
class Right:
    """A right to leave that a missed month opened.

    Attributes:
        commitment: the one that was missed again and again.
        trigger: the agreement's, that was met.
        months: the missed months that met it, in order.
        gaps: months between the first and the last of them that say nothing: without evidence, or not measured.
        opens: its first day, in the agreement's time zone.
        closes: the first day it is no longer open.
    """

    commitment: str
    trigger: Trigger
    months: tuple[Month, ...]
    gaps: tuple[Month, ...]
    opens: date
    closes: date

    def is_open(self, at_us: int, zone: ZoneInfo) -> bool:
        """Whether the right can be used at a moment."""
        return day_start_us(self.opens, zone) <= at_us < day_start_us(self.closes, zone)

    def to_json(self) -> dict[str, Any]:
        """The right as a statement has it."""
        return {
            "commitment": self.commitment,
            "trigger": self.trigger.to_json(),
            "months": [str(month) for month in self.months],
            "gaps": [str(month) for month in self.gaps],
            "opens": self.opens.isoformat(),
            "closes": self.closes.isoformat(),
        }


def rights_of(terms: Termination, months: Mapping[Month, Mapping[str, Status]]) -> list[Right]:
    """Find every right that the months opened.

    A right opens on the day after the month whose miss met the trigger. Months without evidence and months in which the
    commitment was not measured are passed over: they neither break a row nor count in it.

    Args:
        terms: the triggers and how long a right is open.
        months: month → commitment → status, of months that are over, in any order.

    Returns:
        The rights by opening day, then in the order of the statement's commitments and the agreement's triggers.
    """
    rights: list[Right] = []
    history: dict[str, list[tuple[Month, Status]]] = {}
    for month in sorted(months):
        for commitment, status in months[month].items():
            if status == "not_measured":
                continue
            measured = history.setdefault(commitment, [])
            measured.append((month, status))
            if status == "missed":
                for trigger in terms.triggers:
                    missed = _missed(trigger, measured)
                    if missed:
                        rights.append(_right(terms, commitment, trigger, missed, measured))
    return rights


def _missed(trigger: Trigger, measured: Sequence[tuple[Month, Status]]) -> tuple[Month, ...]:
    """The missed months that meet the trigger with the last measured month; empty when they do not."""
    last = measured[-1][0]
    if trigger.of_last is None:
        row = measured[-trigger.missed_months :]
    else:
        row = [(month, status) for month, status in measured if month.index > last.index - trigger.of_last]
    missed = tuple(month for month, status in row if status == "missed")
    return missed if len(missed) >= trigger.missed_months else ()


def _right(
    terms: Termination,
    commitment: str,
    trigger: Trigger,
    missed: tuple[Month, ...],
    measured: Sequence[tuple[Month, Status]],
) -> Right:
    known = {month for month, _ in measured}
    between = (Month.of_index(index) for index in range(missed[0].index, missed[-1].index))
    opens = missed[-1].next.first_day
    return Right(
        commitment=commitment,
        trigger=trigger,
        months=missed,
        gaps=tuple(month for month in between if month not in known),
        opens=opens,
        closes=opens + timedelta(days=terms.open_days),
    )
