"""Upkeep: what a background worker calls regularly, and the commands call on demand."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clearline.records import alerts, documents
from clearline.records.attributing import Moves, keep_rules, restate
from clearline.records.attribution import Rule
from clearline.records.errors import RecordsError, StoreBusyError
from clearline.records.index import INDEX, index_days
from clearline.records.rolling import DERIVED, roll_up_days, roll_up_months
from clearline.records.rollup import MONTH
from clearline.records.schema import CALLS, DAY_US
from clearline.records.seal import GRACE_US, collect, maintenance, merge_levels, seal_days, seal_spool

if TYPE_CHECKING:
    from clearline.records.store import Records

LAST_DAY = 2**31
UPKEEP = "upkeep"
"""The alert of an upkeep that failed."""


@dataclass(slots=True)
class Done:
    """What a run of upkeep did."""

    segments: int = 0
    merges: int = 0
    sealed: list[tuple[str, int]] = field(default_factory=list)
    rolled_up: list[int] = field(default_factory=list)
    collected: int = 0


def upkeep(records: "Records", grace_us: int = GRACE_US) -> Done:
    """Seal the spool, merge, seal the days that are over, roll up what changed, delete what was replaced.

    Call it every few seconds to minutes; it is quick when there is nothing to do, and may be killed at any point.
    """
    done = Done()
    with maintenance(records):
        done.segments = seal_spool(records)
        restate(records)
        today = records.now_us() // DAY_US
        done.sealed = seal_days(records, 0, today)
        done.rolled_up = refresh(records)
        done.merges = merge_levels(records)
        done.collected = collect(records, grace_us)
    return done


def keep_up(records: "Records") -> Done:
    """`upkeep`, whose failure is an alert until it succeeds again.

    Raises:
        RecordsError: what went wrong; nothing acknowledged is lost.
    """
    try:
        done = upkeep(records)
    except RecordsError as error:
        if not isinstance(error, StoreBusyError):
            with suppress(RecordsError):  # a disk that takes no alert is seen by `alerts` itself
                alerts.raise_alert(records, f"the upkeep of the measurements failed: {error}", UPKEEP)
        raise
    documents.remove(records.path, records.manifest, "alert", UPKEEP)
    return done


def refresh(records: "Records") -> list[int]:
    """Bring attribution, roll-ups and search indexes up to date. Needs the maintenance lock.

    Returns:
        The days summed.
    """
    restate(records)
    index_days(records, 0, LAST_DAY)
    days = roll_up_days(records, 0, LAST_DAY)
    roll_up_months(records)
    return days


def forget_derived(records: "Records") -> None:
    """Drop every roll-up and search index that can be made anew, for the next upkeep to make."""
    with maintenance(records):
        expired = documents.expired_before(records.manifest, CALLS.name)
        derived = records.manifest.live((*DERIVED, INDEX)).files
        again = [file.path for file in derived if file.day >= expired or file.table.endswith(MONTH)]
        records.manifest.commit(kill=again, now_us=records.now_us())


def seal(records: "Records") -> int:
    """Seal only the spool: the least that bounds it."""
    with maintenance(records):
        return seal_spool(records)


def set_rules(records: "Records", tenant: str, rules: list[Rule], *, who: str, why: str) -> Moves:
    """Replace a tenant's attribution rules, and roll up what they change.

    Returns:
        How many calls and reports went from which (customer, service) to which.

    Raises:
        BadRecordError: a rule makes no sense or is another tenant's; nothing is changed.
    """
    with maintenance(records):
        seal_spool(records)
        keep_rules(records, tenant, rules, who=who, why=why)
        moved = restate(records)
        refresh(records)
    return moved
