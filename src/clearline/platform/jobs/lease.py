"""Claiming due rows: by conditional UPDATE, for a while.

Two workers that want one row race in the database, and one UPDATE finds the row changed. A worker that dies leaves its
lease behind; when that has run out, the row is claimed again. So work may be begun twice, and whoever does it must make
the second time change nothing.
"""

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Q

from clearline.platform.jobs.models import DueRow

MOST_ATTEMPTS = 3
"""A row whose worker died so often is not tried again: it may be what kills them."""

CANDIDATES = 10

_Row = TypeVar("_Row", bound=DueRow)


def claim(model: type[_Row], owner: str, now: datetime, lease: timedelta) -> _Row | None:
    """Claim the row that has been due longest, if there is one."""
    rows = model._default_manager  # noqa: SLF001  # the documented way to a model's manager in general code
    due = Q(state=DueRow.State.WAITING, due_at__lte=now) | Q(state=DueRow.State.RUNNING, lease_until__lte=now)
    rows.filter(due, attempt__gte=MOST_ATTEMPTS).update(
        state=DueRow.State.FAILED, error=f"Its worker died {MOST_ATTEMPTS} times; it is not tried again."
    )
    for pk, attempt in rows.filter(due).order_by("due_at", "pk").values_list("pk", "attempt")[:CANDIDATES]:
        claimed = rows.filter(due, pk=pk, attempt=attempt).update(
            state=DueRow.State.RUNNING, lease_owner=owner, lease_until=now + lease, attempt=F("attempt") + 1
        )
        if claimed:
            return rows.get(pk=pk)
    return None


def extend(row: DueRow, now: datetime, lease: timedelta) -> bool:
    """Keep a claimed row; False when another worker has taken it over meanwhile."""
    kept: int = _mine(row).update(lease_until=now + lease)
    return kept == 1


def finish(row: DueRow, state: DueRow.State, error: str = "") -> bool:
    """Say how the work ended; False when another worker has taken it over meanwhile."""
    kept: int = _mine(row).update(state=state, error=error, lease_owner="", lease_until=None)
    return kept == 1


def give_back(row: DueRow) -> None:
    """Let another worker have it at once: this one was asked to end."""
    _mine(row).update(state=DueRow.State.WAITING, attempt=F("attempt") - 1, lease_owner="", lease_until=None)


def _mine(row: DueRow):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a query set of whatever model the row is of
    rows = type(row)._default_manager  # noqa: SLF001  # as above
    return rows.filter(pk=row.pk, attempt=row.attempt, state=DueRow.State.RUNNING)
