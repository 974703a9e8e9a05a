"""Is the store sound, and the manifest made again from the files alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from clearline.records import documents, parquet, rolling
from clearline.records.columns import stored_schema
from clearline.records.engines.duck import SOURCE, Piece, to_ibis
from clearline.records.errors import StoreDamagedError
from clearline.records.manifest import File
from clearline.records.rollup import KINDS, Kind, Month, month_of
from clearline.records.schema import CALLS, DAY_US, TABLES
from clearline.records.seal import maintenance, recover
from clearline.records.spool import Damage, frames, segments

if TYPE_CHECKING:
    from clearline.records.store import Records


@dataclass(slots=True)
class Report:
    """What a check found. `problems` are sentences; an empty list means sound."""

    files: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check(records: "Records") -> Report:
    """Read every live file to its end and compare it with the manifest; read the spool; take roll-ups anew."""
    report = Report()
    for file in records.manifest.live().files:
        report.files += 1
        report.rows[file.table] = report.rows.get(file.table, 0) + file.rows
        try:
            found = parquet.describe(records.path, records.path / file.path, file.path)
        except StoreDamagedError as error:
            report.problems.append(str(error))
            continue
        if found != file:
            report.problems.append(f"{file.path} is not what the manifest says ({_differences(found, file)})")
    for path in segments(records.path / "spool"):
        for item in frames(path.read_bytes()):
            if isinstance(item, Damage) and not item.torn:
                report.problems.append(f"spool/{path.name}: bytes {item.start} to {item.end} are damaged")
    if not report.problems:
        report.problems += unequal(records)
    return report


def _differences(found: File, listed: File) -> str:
    one, other = asdict(found), asdict(listed)
    return ", ".join(name for name in one if one[name] != other[name])


def unequal(records: "Records", since_day: int = 0) -> Iterator[str]:
    """Compare the roll-ups of days since one, and of their months, with a full recomputation, cell by cell.

    Yields:
        A sentence for each that differs. One that is out of date is not used, and not compared.
    """
    files = records.manifest.live((CALLS.name, *rolling.DERIVED), month_of(since_day)).files
    calls = rolling.by_day(files, CALLS.name)
    for kind in KINDS:
        fresh = rolling.fresh_days(records, files, kind)
        for day, file in sorted(fresh.items()):
            if day >= since_day and day in calls:
                name = partial(rolling.whole_day, records, calls[day])
                steps = (*rolling.steps(calls[day]), kind.day)
                yield from _differing(records, kind, file, name, stored_schema(CALLS), steps)
        for month, file in sorted(rolling.fresh_months(files, kind, fresh).items()):
            paths = tuple(str(records.path / of.path) for day, of in fresh.items() if month_of(day) == month)
            name = partial(records.maker.source, kind.schema, "at_us", [Piece(paths, {"grain": ["day"]})])
            yield from _differing(records, kind, file, name, kind.schema, (Month(kind, month * DAY_US),))


def _differing(
    records: "Records", kind: Kind, file: File, name: Callable[[], None], columns: pa.Schema, steps: rolling.Steps
) -> list[str]:
    """Compare a roll-up's file with what the steps make of a source, which `name` names, with these columns."""
    again = ibis.table(to_ibis(columns), name=SOURCE)
    for step in steps:
        again = step(again)
    try:
        with records.exclusive():
            name()
            kept = records.maker.relation(kind.schema, [str(records.path / file.path)])
            missing = [one.difference(other, distinct=False) for one, other in ((kept, again), (again, kept))]
            counts = [records.maker.fetch(rows.aggregate(n=rows.count())).to_pylist()[0]["n"] for rows in missing]
    except (StoreDamagedError, FileNotFoundError) as error:
        return [f"{file.path} cannot be compared: {error}"]
    if not any(counts):
        return []
    return [f"{file.path} differs from its recomputation in {max(counts)} cells: run `clearline records seal --anew`"]


def rebuild(records: "Records") -> Report:
    """Make the manifest again from the files' footers and the documents.

    A file that another merged is dead; everything else that can be read is live. Damaged files are left where they
    are, out of the manifest, and reported.
    """
    with maintenance(records, clear=False):
        report = Report()
        files, moment = [], records.now_us()
        for path in sorted((records.path / "data").glob("*/*/*.parquet")):
            name = str(path.relative_to(records.path))
            try:
                files.append(parquet.describe(records.path, path, name))
            except StoreDamagedError as error:
                report.problems.append(str(error))
        found = list(documents.on_disk(records.path))
        listed, sealed = derive(files, found)
        entries = [(file, None if live else moment) for file, live in listed]
        if not _readable(records):  # a sound one is replaced within: others may have it open
            records.manifest.discard()
        records.manifest.replace_all(entries, [(name, moment) for name in sorted(sealed)], found)
        recover(records)
    report.files = sum(live for _, live in listed)
    for file, live in listed:
        if live:
            report.rows[file.table] = report.rows.get(file.table, 0) + file.rows
    return report


def derive(files: list[File], kept: list[tuple[str, str, int, str]]) -> tuple[list[tuple[File, bool]], set[str]]:
    """From what files say of themselves and the documents: which are live, and which spool segments are sealed."""
    gone = {path for file in files for path in file.merges}
    for kind, _, _, body in kept:
        if kind == "expiry":
            expiry = json.loads(body)
            names = documents.expiring(expiry["table"])
            gone |= {file.path for file in files if file.table in names and file.day < expiry["before_day"]}
    sealed = {name for file in files for name in file.segments}
    return [(file, file.path not in gone) for file in files], sealed


def state(records: "Records") -> dict[str, Any]:
    """What a rebuild must reproduce: the live files with all that is known of them, and the documents."""
    kinds = ("rules", "snapshot", "hold", "release", "erasure", "expiry", "alert", "attribution", "retention")
    return {
        "files": [asdict(file) for file in records.manifest.live().files],
        "documents": {
            kind: {name: json.loads(body) for name, _, body in records.manifest.documents(kind)} for kind in kinds
        },
    }


def _readable(records: "Records") -> bool:
    try:
        records.manifest.live(TABLES)
    except StoreDamagedError:
        return False
    return True
