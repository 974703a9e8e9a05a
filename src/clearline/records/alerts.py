"""What is wrong with the store now: alerts that were kept until somebody clears them, and what can be seen at once."""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clearline.records import documents
from clearline.records.errors import RecordsError
from clearline.records.spool import segments

if TYPE_CHECKING:
    from clearline.records.store import Records

LEAST_FREE_BYTES = 512 * 2**20
"""Below it the disk counts as full soon: a day's merge may need as much."""
LATE_SECONDS = 15 * 60
"""A spool segment older than this says that upkeep does not run, or fails."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something wrong. `name` clears it; None for what goes away by itself once it is right."""

    name: str | None
    text: str


def raise_alert(records: "Records", text: str, name: str = "") -> None:
    """Keep an alert; the same name again replaces it."""
    documents.keep(records.path, records.manifest, "alert", records.now_us(), {"text": text}, name)


def clear(records: "Records", name: str) -> None:
    """Forget an alert that was dealt with.

    Raises:
        RecordsError: there is none of this name.
    """
    if name not in documents.listed(records.manifest, "alert"):
        raise RecordsError(f"there is no alert {name}")
    documents.remove(records.path, records.manifest, "alert", name)


def alerts(records: "Records") -> list[Alert]:
    """Everything wrong now: first what can be seen at once, then what was kept, oldest first."""
    found = [Alert(None, text) for text in _conditions(records)]
    try:
        kept = documents.listed(records.manifest, "alert")
    except RecordsError as error:
        return [*found, Alert(None, str(error))]
    return found + [Alert(name, body["text"]) for name, body in kept.items()]


def _conditions(records: "Records") -> list[str]:
    if not records.path.is_dir():
        return []  # nothing was measured yet
    found = []
    disk = os.statvfs(records.path)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_flag & os.ST_RDONLY or not os.access(records.path, os.W_OK):
        found.append(f"{records.path} cannot be written: no measurement is kept until it is made writable")
    elif free < LEAST_FREE_BYTES:
        found.append(
            f"{free // 2**20} MiB are free for {records.path}: free some space, or measurements will be refused"
        )
    ages = [time.time() - path.stat().st_mtime for path in segments(records.path / "spool") if path.exists()]
    if ages and max(ages) > LATE_SECONDS:
        found.append(
            f"the spool was last sealed more than {int(max(ages)) // 60} minutes ago: "
            "run `clearline records seal` to see why"
        )
    return found
