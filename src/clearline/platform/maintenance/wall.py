"""A window on the wall clocks of the zones it matters in. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class WallTimes:
    """A window in one zone."""

    zone: str
    begins: str
    ends: str
    clocks_change: bool
    """Between its start and its end the zone's offset changes: the hands tell another length than it has."""


def wall_times(from_at: datetime, until_at: datetime, zones: Iterable[str]) -> list[WallTimes]:
    """Write a window in UTC and in each zone, each once, with the offset beside each time."""
    found = []
    for name in dict.fromkeys(["UTC", *zones]):
        zone = UTC if name == "UTC" else ZoneInfo(name)
        begins, ends = from_at.astimezone(zone), until_at.astimezone(zone)
        found.append(WallTimes(name, _text(begins), _text(ends), begins.utcoffset() != ends.utcoffset()))
    return found


def _text(moment: datetime) -> str:
    if moment.tzinfo is UTC:
        return f"{moment:%a %-d %b %Y, %H:%M}"
    offset = f"{moment:%z}"
    return f"{moment:%a %-d %b %Y, %H:%M %Z} (UTC{offset[:3]}:{offset[3:]})"


def is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether a naive wall time does not exist in a zone: the clocks are put forward over it."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall
