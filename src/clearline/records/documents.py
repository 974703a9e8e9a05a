"""Small facts kept as JSON documents, immutable and synced: attribution rules, snapshots, holds, erasures, alerts.

They lie beside the data, so that the manifest, which lists them too, can be made again from the disk alone.
"""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from clearline.records.manifest import File, Manifest
from clearline.records.spool import plain_error, sync_directory

FOLDER = "documents"


def keep(root: Path, manifest: Manifest, kind: str, at_us: int, body: dict[str, Any], name: str = "") -> str:
    """Write a document durably and list it.

    Returns:
        Its id: the name given, or one made of the moment.
    """
    name = name or f"{at_us:016d}-{token_hex(4)}"
    text = json.dumps({"at_us": at_us, **body}, sort_keys=True, indent=1)
    target = root / FOLDER / kind / f"{name}.json"
    temporary = target.with_suffix(".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
        for directory in (target.parent, target.parent.parent, root):
            sync_directory(directory)
    except OSError as error:
        raise plain_error(error, target) from error
    manifest.put_document(kind, name, at_us, text)
    return name


def name_of(*parts: str) -> str:
    """A document's name made of what it is about, whatever characters that has."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def remove(root: Path, manifest: Manifest, kind: str, name: str) -> None:
    """Delete a document; nothing happens if there is none."""
    manifest.drop_document(kind, name)
    (root / FOLDER / kind / f"{name}.json").unlink(missing_ok=True)


def on_disk(root: Path) -> Iterator[tuple[str, str, int, str]]:
    """Every document there is, as (kind, id, moment, text)."""
    for path in sorted((root / FOLDER).glob("*/*.json")):
        text = path.read_text()
        yield path.parent.name, path.stem, json.loads(text)["at_us"], text


def listed(manifest: Manifest, kind: str) -> dict[str, dict[str, Any]]:
    """The documents of a kind by id, oldest first."""
    return {name: json.loads(text) for name, _, text in manifest.documents(kind)}


def expiring(table: str) -> tuple[str, ...]:
    """What goes with a table's rows when they expire; what was summed of them stays."""
    return (table, f"{table}-history", *(("index",) if table == "calls" else ()))


def expired_before(manifest: Manifest, table: str) -> int:
    """The UTC day before which a table's rows are past their retention and no longer taken in."""
    days = [body["before_day"] for body in listed(manifest, "expiry").values() if body["table"] == table]
    return max(days, default=0)


def naming(file: File) -> dict[str, Any]:
    """What a snapshot says of a file it was made of."""
    return {name: getattr(file, name) for name in ("path", "sha256", "digest", "rows", "day", "level")}


def snapshot_paths(manifest: Manifest) -> frozenset[str]:
    """Files that snapshots name, and which therefore stay."""
    snapshots = listed(manifest, "snapshot").values()
    return frozenset(file["path"] for body in snapshots for file in body["files"])
