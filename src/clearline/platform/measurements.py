"""The platform's one door to `clearline.records`: measurements live there and nowhere else."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from clearline.records.store import Records


@lru_cache(maxsize=4)
def _open(path: Path, manifest_url: str | None, engine_url: str | None) -> Records:
    return Records(path, manifest_url=manifest_url, engine_url=engine_url)


def records() -> Records:
    """The store of this process, opened at its first use."""
    configured = settings.CLEARLINE
    return _open(configured.records, configured.manifest_url, configured.engine_url)


def own_records() -> Records:
    """The same store with engines of its own, for long work; close it afterwards."""
    configured = settings.CLEARLINE
    return Records(configured.records, manifest_url=configured.manifest_url)
