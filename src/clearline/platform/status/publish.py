"""The status page as files: written whole by the worker, swapped in one step, served without the database."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from clearline.platform.accounts.models import Provider
from clearline.platform.status import feeds
from clearline.platform.status.documents import documents, summary
from clearline.platform.status.snapshot import Snapshot, take
from clearline.platform.status.subscriptions import tell_of_maintenance

CURRENT = "current"


def directory() -> Path:
    """Where the page's files are: `current` in it is a link to those of the last time."""
    path: Path = settings.CLEARLINE.data / "status"
    return path


def publish(clock: Callable[[], datetime]) -> None:
    """Write the page as it is now, and tell subscribers of maintenance. One provider has a page: the first."""
    provider = Provider.objects.order_by("pk").first()
    if provider is None:
        return
    now = clock()
    tell_of_maintenance(provider, now)
    write(files(take(provider, now)), directory())


def files(snapshot: Snapshot) -> dict[str, bytes]:
    """Every file of the page, by its path."""
    origin = settings.CLEARLINE.origin
    found = {
        f"api/v2/{name}": json.dumps(document, ensure_ascii=False, indent=1).encode()
        for name, document in documents(snapshot, origin).items()
    }
    indicator, said = summary(snapshot)
    context = {"snapshot": snapshot, "indicator": indicator, "summary": said}
    found["index.html"] = render_to_string("status/page.html", context).encode()
    found["feed.atom"] = feeds.atom(
        feeds.public_entries(snapshot), provider=snapshot.provider, page=f"{origin}/status/"
    )
    found["maintenance.ics"] = feeds.calendar(one.window for one in snapshot.maintenance)
    return found


def write(contents: dict[str, bytes], root: Path) -> None:
    """Put the files in place of the last ones, all at once: a reader sees the old page or the new one.

    The two before are kept for a reader that has just begun; older ones are removed.
    """
    root.mkdir(parents=True, exist_ok=True)
    before = sorted((int(path.name) for path in root.iterdir() if path.name.isdigit()), reverse=True)
    fresh = root / str(before[0] + 1 if before else 1)
    for name, content in contents.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    link = root / f"{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(root / CURRENT)
    for number in before[1:]:
        shutil.rmtree(root / str(number), ignore_errors=True)
