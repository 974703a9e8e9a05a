"""`records`: look at, export, check and keep up the measurements."""

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearline.cli.exits import BAD_INPUT, MISSING, NOT_SO, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearline.records.check import Report
    from clearline.records.store import Records

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Look at, export and check the kept measurements.")

Store = Annotated[Path | None, typer.Option("--store", help="The store's directory; by default the platform's.")]
Tenant = Annotated[str, typer.Option(help="Whose measurements.")]
Since = Annotated[str, typer.Option(help="From this moment: 2026-10-01 or 2026-10-01T12:00:00Z.")]
Until = Annotated[str, typer.Option(help="To this moment, exclusive.")]


@contextmanager
def _open(store: Path | None) -> "Iterator[Records]":
    """Open a store; what goes wrong with it ends the command with its sentence."""
    from clearline.cli.configured import configured  # noqa: PLC0415
    from clearline.records.databases import POSTGRES_NAME  # noqa: PLC0415
    from clearline.records.errors import EngineMissingError, RecordsError  # noqa: PLC0415
    from clearline.records.store import Records  # noqa: PLC0415

    settings = configured()
    path = store or settings.records
    if not path.is_dir():
        fail(f"there is no store of measurements at {path}: name it with --store", BAD_INPUT)
    in_postgresql = store is None or (store / POSTGRES_NAME).exists()
    url = settings.manifest_url if in_postgresql else None
    records = Records(path, manifest_url=url, engine_url=settings.engine_url)
    try:
        yield records
    except EngineMissingError as error:
        fail(str(error), MISSING)
    except RecordsError as error:
        fail(str(error), NOT_SO)
    finally:
        records.close()


def _moment_us(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is not a moment: write it as 2026-10-01 or 2026-10-01T12:00:00Z", BAD_INPUT)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 + moment.microsecond


def _print(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


@app.command()
def look(store: Store = None) -> None:
    """Say what is there: rows, files, bytes and days of each table, holds, snapshots and alerts."""
    from clearline.records import documents, holds  # noqa: PLC0415
    from clearline.records.parquet import day_name  # noqa: PLC0415
    from clearline.records.spool import spool_bytes  # noqa: PLC0415

    with _open(store) as records:
        tables: dict[str, dict[str, Any]] = {}
        for file in records.manifest.live().files:
            table = tables.setdefault(
                file.table, {"rows": 0, "files": 0, "bytes": 0, "first_day": file.day, "last_day": file.day}
            )
            table["rows"] += file.rows
            table["files"] += 1
            table["bytes"] += file.bytes
            table["first_day"] = min(table["first_day"], file.day)
            table["last_day"] = max(table["last_day"], file.day)
        for table in tables.values():
            table |= {name: day_name(table[name]) for name in ("first_day", "last_day")}
        _print(
            {
                "store": str(records.path),
                "tables": tables,
                "spool_bytes": spool_bytes(records.path / "spool"),
                "holds": holds.holds(records),
                "snapshots": sorted(documents.listed(records.manifest, "snapshot")),
                "alerts": [body["text"] for body in documents.listed(records.manifest, "alert").values()],
            }
        )


@app.command()
def totals(
    tenant: Tenant,
    since: Since,
    until: Until,
    by: Annotated[str, typer.Option(help="Dimensions, such as customer,service or trunk,hour_us.")] = "",
    store: Store = None,
) -> None:
    """Print the sums over calls, one JSON object a line."""
    from clearline.records import figures  # noqa: PLC0415

    names = [name for name in by.split(",") if name]
    with _open(store) as records:
        low, high = _moment_us(since), _moment_us(until)
        try:
            rows = figures.totals(records, tenant=tenant, since_us=low, until_us=high, by=names)
        except ValueError as error:
            fail(str(error), BAD_INPUT)
        for row in rows:
            _print(row)


@app.command()
def search(
    tenant: Tenant,
    since: Since,
    until: Until,
    number: Annotated[str | None, typer.Option(help="A number, whole.")] = None,
    call_id: Annotated[str | None, typer.Option(help="A Call-ID, whole.")] = None,
    store: Store = None,
) -> None:
    """Find calls by number or Call-ID, one JSON object a line."""
    from dataclasses import asdict  # noqa: PLC0415

    from clearline.records import search as searching  # noqa: PLC0415

    if (number is None) == (call_id is None):
        fail("search for --number or for --call-id", BAD_INPUT)
    with _open(store) as records:
        span = {"since_us": _moment_us(since), "until_us": _moment_us(until)}
        for call in searching.search(records, tenant=tenant, **span, number=number, call_id=call_id):
            _print(asdict(call))


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="calls, streams, intervals, probe_samples or client_reports.")],
    target: Annotated[Path, typer.Argument(help="The file to write: .parquet or .csv.")],
    tenant: Tenant,
    since: Since,
    until: Until,
    store: Store = None,
) -> None:
    """Write a tenant's records of a table as Parquet or CSV."""
    from clearline.records import export as exporting  # noqa: PLC0415
    from clearline.records.schema import TABLES  # noqa: PLC0415

    if table not in TABLES:
        fail(f"there is no table {table!r}; there are {', '.join(TABLES)}", BAD_INPUT)
    if target.suffix not in {".parquet", ".csv"}:
        fail(f"{target}: write to a file that ends in .parquet or .csv", BAD_INPUT)
    with _open(store) as records:
        span = {"since_us": _moment_us(since), "until_us": _moment_us(until)}
        rows = exporting.export(records, TABLES[table], target, tenant=tenant, **span)
        _print({"table": table, "file": str(target), "rows": rows})


@app.command()
def seal(store: Store = None) -> None:
    """Seal the spool, merge, roll up and collect: what the worker does regularly."""
    from clearline.records.parquet import day_name  # noqa: PLC0415
    from clearline.records.upkeep import upkeep  # noqa: PLC0415

    with _open(store) as records:
        done = upkeep(records)
        _print(
            {
                "segments": done.segments,
                "merges": done.merges,
                "sealed": [[table, day_name(day)] for table, day in done.sealed],
                "rolled_up": [day_name(day) for day in done.rolled_up],
                "collected": done.collected,
            }
        )


@app.command()
def check(store: Store = None) -> None:
    """Read everything back: files against the manifest, the spool, roll-ups against their recomputation."""
    from clearline.records.check import check as checking  # noqa: PLC0415

    with _open(store) as records:
        _print_report(checking(records))


@app.command()
def rebuild(store: Store = None) -> None:
    """Make the manifest again from the files alone."""
    from clearline.records.check import rebuild as rebuilding  # noqa: PLC0415

    with _open(store) as records:
        _print_report(rebuilding(records))


def _print_report(report: "Report") -> None:
    _print({"files": report.files, "rows": report.rows, "problems": report.problems})
    if report.problems:
        sys.exit(NOT_SO)


@app.command()
def recompute(snapshot: Annotated[str, typer.Argument(help="A snapshot's id.")], store: Store = None) -> None:
    """Take a snapshot's figures again from the very files it names, and say whether they are the same."""
    from clearline.records.snapshot import recompute as recomputing  # noqa: PLC0415

    with _open(store) as records:
        again = recomputing(records, snapshot)
        _print({"snapshot": snapshot, "same": again.same, "problems": again.problems, "figures": again.figures})
        if not again.same:
            sys.exit(NOT_SO)
