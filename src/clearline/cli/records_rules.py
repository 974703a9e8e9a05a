"""`records`: whose calls they are: the rules, what a corrected rule changed, and the calls of nobody."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, fail
from clearline.cli.records_store import Since, Store, Tenant, Until, emit, open_store, span

app = typer.Typer(add_completion=False)


@app.command()
def rules(
    tenant: Tenant,
    file: Annotated[Path | None, typer.Argument(help="JSON: a list of rules that replace the tenant's.")] = None,
    who: Annotated[str, typer.Option(help="Who sets them; kept with them.")] = "",
    why: Annotated[str, typer.Option(help="Why; kept with them.")] = "",
    store: Store = None,
) -> None:
    """Print a tenant's rules; or set them, roll up what they change, and say which calls went from whom to whom."""
    from clearline.records.attribution import Rule  # noqa: PLC0415
    from clearline.records.upkeep import set_rules  # noqa: PLC0415

    with open_store(store) as records:
        if file is None:
            for rule in records.rules.rules:
                if rule.tenant == tenant:
                    emit(asdict(rule))
            return
        if not who or not why:
            fail("say --who sets the rules, and --why", BAD_INPUT)
        try:
            given = [Rule(**{"tenant": tenant, **fields}) for fields in json.loads(file.read_text())]
        except (OSError, ValueError, TypeError) as error:
            fail(f"{file}: {error}", BAD_INPUT)
        for (before, after), count in set_rules(records, tenant, given, who=who, why=why).items():
            emit({"from": before, "to": after, "rows": count})


@app.command(name="attribution")
def attribution(tenant: Tenant, store: Store = None) -> None:
    """Print what corrected rules changed, oldest first: day, rows, from whom to whom, by whose rules and why."""
    from clearline.records.attributing import changes  # noqa: PLC0415
    from clearline.records.parquet import day_name  # noqa: PLC0415

    with open_store(store) as records:
        for change in changes(records, tenant):
            emit({**change, "day": day_name(change["day"])})


@app.command()
def unattributed(tenant: Tenant, since: Since, until: Until, store: Store = None) -> None:
    """Print the calls of nobody, counted by what a rule could name; most first."""
    from clearline.records.attributing import unattributed as nobodys  # noqa: PLC0415

    with open_store(store) as records:
        for row in nobodys(records, tenant=tenant, **span(since, until)).to_pylist():
            emit(row)
