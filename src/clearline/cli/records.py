"""`records`: look at, export, check and keep up the measurements."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearline.cli import records_past, records_people, records_rules
from clearline.cli.exits import BAD_INPUT, NOT_SO, fail
from clearline.cli.records_store import Since, Store, Tenant, Until, emit, open_store, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearline.records.check import Report

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Look at, export and check the kept measurements.")
for group in (records_past.app, records_people.app, records_rules.app):
    app.add_typer(group)


@app.command()
def look(store: Store = None) -> None:
    """Say what is there: rows, files, bytes and days of each table, holds, snapshots and alerts."""
    from clearline.records import alerts, documents, holds  # noqa: PLC0415
    from clearline.records.parquet import day_name  # noqa: PLC0415
    from clearline.records.spool import spool_bytes  # noqa: PLC0415

    with open_store(store) as records:
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
        emit(
            {
                "store": str(records.path),
                "tables": tables,
                "spool_bytes": spool_bytes(records.path / "spool"),
                "holds": holds.holds(records),
                "snapshots": sorted(documents.listed(records.manifest, "snapshot")),
                "alerts": [{"name": alert.name, "text": alert.text} for alert in alerts.alerts(records)],
            }
        )


@app.command()
def totals(
    tenant: Tenant,
    since: Since,
    until: Until,
    by: Annotated[list[str] | None, typer.Option(help="Dimensions, such as customer,service or trunk,hour_us.")] = None,
    store: Store = None,
) -> None:
    """Print the sums over calls, one JSON object a line."""
    from clearline.records import figures  # noqa: PLC0415

    names = [name for names in by or () for name in names.split(",") if name]
    with open_store(store) as records:
        try:
            rows = figures.totals(records, tenant=tenant, **span(since, until), by=names)
        except ValueError as error:
            fail(str(error), BAD_INPUT)
        for row in rows:
            emit(row)


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
    with open_store(store) as records:
        found = searching.search(records, tenant=tenant, **span(since, until), number=number, call_id=call_id)
        for call in found:
            emit(asdict(call))
        if len(found) == searching.MAX_FOUND:
            sys.stderr.write(f"clearline: there may be more than these {len(found)}: ask for less time\n")


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
    with open_store(store) as records:
        rows = exporting.export(records, TABLES[table], target, tenant=tenant, **span(since, until))
        emit({"table": table, "file": str(target), "rows": rows})


@app.command()
def seal(
    anew: Annotated[bool, typer.Option("--anew", help="Make every roll-up and search index anew.")] = False,
    store: Store = None,
) -> None:
    """Seal the spool, merge, roll up and collect: what the worker does regularly."""
    from clearline.records.parquet import day_name  # noqa: PLC0415
    from clearline.records.upkeep import forget_derived, keep_up  # noqa: PLC0415

    with open_store(store) as records:
        if anew:
            forget_derived(records)
        done = keep_up(records)
        emit(
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
    from clearline.records.alerts import alerts  # noqa: PLC0415
    from clearline.records.check import check as checking  # noqa: PLC0415

    with open_store(store) as records:
        _print_report(checking(records), [alert.text for alert in alerts(records)])


@app.command(name="clear-alert")
def clear_alert(
    name: Annotated[str, typer.Argument(help="The alert's name, as `look` prints it.")], store: Store = None
) -> None:
    """Forget an alert that was dealt with."""
    from clearline.records.alerts import clear  # noqa: PLC0415

    with open_store(store) as records:
        clear(records, name)
        emit({"cleared": name})


@app.command()
def rebuild(store: Store = None) -> None:
    """Make the manifest again from the files alone."""
    from clearline.records.check import rebuild as rebuilding  # noqa: PLC0415

    with open_store(store) as records:
        _print_report(rebuilding(records))


def _print_report(report: "Report", alerts: "Sequence[str]" = ()) -> None:
    emit({"files": report.files, "rows": report.rows, "problems": report.problems, "alerts": list(alerts)})
    if report.problems or alerts:
        sys.exit(NOT_SO)
