"""`records`: corrections with who and why, every earlier state, and figures frozen for ever."""

import json
import sys
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail
from clearline.cli.records_store import Since, Store, Tenant, Until, Who, Why, emit, moment_us, open_store, span

app = typer.Typer(add_completion=False)

Table = Annotated[str, typer.Argument(help="calls, streams, intervals, probe_samples or client_reports.")]
Key = Annotated[str, typer.Argument(help="The record's key.")]
At = Annotated[str, typer.Option(help="The moment the record has now, to the microsecond.")]
Name = Annotated[str, typer.Argument(help="A snapshot's id.")]


@app.command()
def correct(
    table: Table,
    key: Key,
    tenant: Tenant,
    at: At,
    changes: Annotated[
        list[str], typer.Option("--set", help="column=value, JSON; moments also as 2026-10-01T12:00:00Z.")
    ],
    who: Who,
    why: Why,
    store: Store = None,
) -> None:
    """Correct a record; its earlier state stays in its history. Its moment too: it then counts where it belongs."""
    from clearline.records.query import Scope  # noqa: PLC0415
    from clearline.records.schema import TABLES  # noqa: PLC0415

    if table not in TABLES:
        fail(f"there is no table {table!r}; there are {', '.join(TABLES)}", BAD_INPUT)
    at_us, of = moment_us(at), TABLES[table]
    values = dict(_change(change) for change in changes)
    unknown = values.keys() - set(of.row.__dataclass_fields__)
    if unknown or {"key", "tenant"} & values.keys():
        fail(f"{table} have no column {', '.join(sorted(unknown)) or 'key or tenant'} that can be corrected", BAD_INPUT)
    with open_store(store) as records:
        found = records.rows(of, Scope(tenant, at_us, at_us + 1, {"key": [key]}))
        if not found:
            fail(f"there is no record {key} of {tenant} at {at}", NOT_SO)
        row = replace(found[0], **values)
        records.revise([row], who=who, why=why, moved_from={key: at_us})
        emit(asdict(row))


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"{text}: write column=value", BAD_INPUT)
    if name.endswith("_us") and "T" in value:
        return name, moment_us(value)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@app.command()
def history(table: Table, key: Key, tenant: Tenant, since: Since, until: Until, store: Store = None) -> None:
    """Print every state a record was in, oldest first: since when, by whom and why; the last one counts."""
    from clearline.records.history import states  # noqa: PLC0415
    from clearline.records.schema import TABLES  # noqa: PLC0415

    if table not in TABLES:
        fail(f"there is no table {table!r}; there are {', '.join(TABLES)}", BAD_INPUT)
    with open_store(store) as records:
        found = states(records, table, tenant=tenant, **span(since, until), key=key)
        if not found:
            fail(f"there is no record {key} of {tenant} from {since} to {until}", NOT_SO)
        for state in found:
            said = {"since_us": state.since_us, "who": state.who, "why": state.why, "moved_to_us": state.moved_to_us}
            emit({**said, "record": asdict(state.record)})


@app.command()
def snapshot(tenant: Tenant, since: Since, until: Until, who: Who, why: Why, store: Store = None) -> None:
    """Freeze the sums of a stretch of time, with the files they came from."""
    from clearline.records.snapshot import load, take  # noqa: PLC0415

    with open_store(store) as records:
        name = take(records, tenant=tenant, **span(since, until), who=who, why=why)
        emit({"snapshot": name, "files": len(load(records, name)["files"]), "figures": load(records, name)["figures"]})


@app.command()
def recompute(name: Name, store: Store = None) -> None:
    """Take a snapshot's figures again from the very files it names, and say whether they are the same."""
    from clearline.records.snapshot import recompute as recomputing  # noqa: PLC0415

    with open_store(store) as records:
        again = recomputing(records, name)
        emit({"snapshot": name, "same": again.same, "problems": again.problems, "figures": again.figures})
        if not again.same:
            sys.exit(NOT_SO)


@app.command()
def difference(name: Name, store: Store = None) -> None:
    """Say what a snapshot's figures would be now less what they are, by customer, service and profile."""
    from clearline.records.snapshot import difference as differing  # noqa: PLC0415

    with open_store(store) as records:
        for row in differing(records, name):
            emit(row)


@app.command(name="drop-snapshot")
def drop_snapshot(name: Name, store: Store = None) -> None:
    """Forget a snapshot; files that only it named are then deleted."""
    from clearline.records.snapshot import drop  # noqa: PLC0415

    with open_store(store) as records:
        drop(records, name)
        emit({"dropped": name})
