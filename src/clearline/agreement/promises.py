"""An agreement as data: what was promised, what is owed when it is not kept, and when a customer may leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

Counts = Literal["excluded", "up", "down"]
Count = Literal["started", "full", "prorata"]
COUNTS: tuple[Count, ...] = ("full", "started", "prorata")

Origin = Literal["text", "default", "negotiated"]

COMMITMENTS = ("availability", "restoration", "voice_mos", "experience", "first_response", "maintenance_notice")
"""Every commitment the program knows, in the order a statement lists them."""

LEVELS = ("availability", "voice_mos", "experience")
"""Commitments that are missed by a level below its target."""

CASES = {"first_response": "request", "restoration": "outage", "maintenance_notice": "window"}
"""Commitments that are missed by cases, each late by a delay, and what a case of them is."""

CAUSES = ("customer", "force_majeure", "third_party", "suspension")
"""Causes for which an interval may be excluded, where the agreement lists them."""


REVIEW_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
"""How often an agreement is reviewed → the months of one review."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How scheduled maintenance is treated: eligible when announced `notice_us` before it begins."""

    notice_us: int
    counts_as: Counts


@dataclass(frozen=True, slots=True)
class Availability:
    """The share of the month the service must be up, in percent; what is down and what does not count."""

    clause: str
    text: str | None
    target: Decimal
    maintenance: Maintenance
    unknown: Counts
    exclusions: tuple[str, ...]
    minimum_outage_us: int


@dataclass(frozen=True, slots=True)
class Restoration:
    """An outage is repaired within this time."""

    clause: str
    text: str | None
    within_us: int


@dataclass(frozen=True, slots=True)
class Experience:
    """A share of the calls, in percent, stays within limits of delay, jitter, loss and picture quality."""

    clause: str
    text: str | None
    one_way_delay_ms: Decimal
    jitter_ms: Decimal
    loss_percent: Decimal
    video_mos: Decimal
    share_percent: Decimal


@dataclass(frozen=True, slots=True)
class VoiceMos:
    """The mean opinion score of the month's voice calls, weighted by call or by talk time."""

    clause: str
    text: str | None
    target: Decimal
    weight: Literal["call", "talk_time"]
    minimum_calls: int


@dataclass(frozen=True, slots=True)
class FirstResponse:
    """A support request is answered within this time, around the clock."""

    clause: str
    text: str | None
    within_us: int


@dataclass(frozen=True, slots=True)
class MaintenanceNotice:
    """Every maintenance window is announced in time (`Maintenance.notice_us`)."""

    clause: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Commitments:
    """The commitments an agreement makes; None where it makes none of that kind."""

    availability: Availability | None
    restoration: Restoration | None
    voice_mos: VoiceMos | None
    experience: Experience | None
    first_response: FirstResponse | None
    maintenance_notice: MaintenanceNotice | None

    @property
    def notice_us(self) -> int:
        """How long before its start a maintenance window must be announced, in microseconds."""
        return self.availability.maintenance.notice_us if self.availability else 0

    def made(self) -> list[str]:
        """The names of the commitments this agreement makes, in a statement's order."""
        return [name for name in COMMITMENTS if getattr(self, name) is not None]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """Credits `percent` of the fee for each `step` by which a level is below its target."""

    commitment: str
    step: Decimal
    percent: Decimal
    count: Count


@dataclass(frozen=True, slots=True)
class DelayRule:
    """Credits `percent` of the fee for each `step_us` of delay, of every late case or of the worst one."""

    commitment: str
    step_us: int
    percent: Decimal
    count: Count
    per: str


Rule = LevelRule | DelayRule


@dataclass(frozen=True, slots=True)
class Credits:
    """What is credited, and how it adds up. `cap_percent` is of the month's fee; None is no cap."""

    pro_rata_fee: bool
    rules: tuple[Rule, ...]
    stacking: Literal["sum", "highest"]
    cap_percent: Decimal | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """So many missed months of one commitment open the right to leave.

    Attributes:
        missed_months: how many.
        of_last: within so many calendar months; None when they must follow one another.
    """

    missed_months: int
    of_last: int | None

    def to_json(self) -> dict[str, int]:
        """The trigger as the agreement has it."""
        if self.of_last is None:
            return {"missed_months_in_a_row": self.missed_months}
        return {"missed_months": self.missed_months, "of_last": self.of_last}


@dataclass(frozen=True, slots=True)
class Termination:
    """When a customer may leave without penalty, and for how many days."""

    triggers: tuple[Trigger, ...]
    open_days: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of an agreement.

    Attributes:
        effective: the first day it is in force.
        notice_days: a change must be notified so many days ahead.
        coverage_minimum: percent of observed seconds, and of measured calls, below which a person must decide.
        origins: key path → where its value comes from, as the document lists them.
        document: the terms as plain data, with the defaults of the keys that the file left out.
        sha256: digest of `document` (see `canonical`).
    """

    id: str
    version: str
    title: str
    effective: date
    notice_days: int
    zone: ZoneInfo
    commitments: Commitments
    coverage_minimum: Decimal
    credits: Credits
    termination: Termination
    reviews: Literal["monthly", "quarterly", "yearly"]
    origins: Mapping[str, Origin]
    document: Mapping[str, Any]
    sha256: str

    def origin_of(self, path: str) -> Origin:
        """Where the value at a key path comes from: what is listed for it or what it is in; else the text."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return "text"
