"""`records`: one person's or customer's data exported and erased; ages, pseudonyms and holds."""

from dataclasses import asdict
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, fail
from clearline.cli.records_store import Store, Tenant, Who, Why, day_of_moment, emit, open_store

app = typer.Typer(add_completion=False)

Number = Annotated[str, typer.Argument(help="The person's number, whole.")]
Customer = Annotated[str, typer.Argument(help="The customer, as records name it.")]
OneCustomer = Annotated[str | None, typer.Option("--customer", help="Only this customer's.")]
Before = Annotated[str, typer.Option(help="Of days before this one: 2026-10-01.")]
Period = Annotated[str, typer.Argument(help="The key's name, such as 2026-10.")]


@app.command(name="export-person")
def export_person(number: Number, tenant: Tenant, store: Store = None) -> None:
    """Print every call and phone's report that names a number, one JSON object a line."""
    from clearline.records.erasure import export_person as exporting  # noqa: PLC0415

    with open_store(store) as records:
        for row in exporting(records, tenant=tenant, number=number):
            emit({"table": type(row).__name__, **asdict(row)})


@app.command(name="erase-person")
def erase_person(number: Number, tenant: Tenant, who: Who, why: Why, store: Store = None) -> None:
    """Take a number out of everything; no sum changes. Proven by reading every file back."""
    from clearline.records.erasure import erase_person as erasing  # noqa: PLC0415

    with open_store(store) as records:
        emit(asdict(erasing(records, tenant=tenant, number=number, who=who, why=why)))


@app.command(name="erase-customer")
def erase_customer(customer: Customer, tenant: Tenant, who: Who, why: Why, store: Store = None) -> None:
    """Remove all rows of a customer, and what was summed of them. Proven by reading every file back."""
    from clearline.records.erasure import erase_customer as erasing  # noqa: PLC0415

    with open_store(store) as records:
        emit(asdict(erasing(records, tenant=tenant, customer=customer, who=who, why=why)))


@app.command()
def hold(tenant: Tenant, who: Who, why: Why, customer: OneCustomer = None, store: Store = None) -> None:
    """Forbid erasing and expiring a customer's data, or all of a tenant's, until released."""
    from clearline.records.holds import hold as holding  # noqa: PLC0415

    with open_store(store) as records:
        emit({"hold": holding(records, tenant=tenant, customer=customer, who=who, why=why)})


@app.command()
def release(
    name: Annotated[str, typer.Argument(help="The hold's id.")], who: Who, why: Why, store: Store = None
) -> None:
    """End a hold; that it was there stays on record."""
    from clearline.records.holds import release as releasing  # noqa: PLC0415

    with open_store(store) as records:
        releasing(records, name, who=who, why=why)
        emit({"released": name})


@app.command()
def retain(
    what: Annotated[str, typer.Argument(help="A table; or numbers, which become pseudonyms.")],
    days: Annotated[int, typer.Argument(help="For how many days.")],
    who: Who,
    customer: OneCustomer = None,
    tenant: Annotated[str, typer.Option(help="Whose customer.")] = "",
    store: Store = None,
) -> None:
    """Say for how long something is kept; the worker applies it every night."""
    from clearline.records.nightly import retain as retaining  # noqa: PLC0415
    from clearline.records.nightly import retention  # noqa: PLC0415

    if customer is not None and not tenant:
        fail("name the customer's tenant: --tenant", BAD_INPUT)
    with open_store(store) as records:
        retaining(records, what, days, tenant=tenant, customer=customer, who=who)
        for rule in retention(records):
            emit(rule)


@app.command()
def nightly(store: Store = None) -> None:
    """Do now what the worker does every night: apply the retention, compare roll-ups with the rows."""
    from clearline.records.nightly import nightly as doing  # noqa: PLC0415

    with open_store(store) as records:
        problems = doing(records)
        emit({"problems": problems})
        if problems:
            raise typer.Exit(1)


@app.command()
def expire(
    table: Annotated[str, typer.Argument(help="calls, streams, intervals, probe_samples or client_reports.")],
    before: Before,
    who: Who,
    store: Store = None,
) -> None:
    """Delete a table's rows of days before one, once; what was summed of them stays."""
    from clearline.records.ageing import expire as expiring  # noqa: PLC0415
    from clearline.records.schema import TABLES  # noqa: PLC0415

    if table not in TABLES:
        fail(f"there is no table {table!r}; there are {', '.join(TABLES)}", BAD_INPUT)
    with open_store(store) as records:
        emit({"files": expiring(records, table, before_day=day_of_moment(before), who=who)})


@app.command()
def pseudonymise(period: Period, before: Before, store: Store = None) -> None:
    """Replace numbers in rows of days before one by pseudonyms, keyed with this period's key."""
    from clearline.records.ageing import pseudonymise as hiding  # noqa: PLC0415

    with open_store(store) as records:
        emit({"files": hiding(records, before_day=day_of_moment(before), period=period)})


@app.command(name="destroy-key")
def destroy_key(period: Period, store: Store = None) -> None:
    """Destroy a period's key: nobody can tell any more which number a pseudonym was."""
    from clearline.records.ageing import destroy_key as destroying  # noqa: PLC0415

    with open_store(store) as records:
        destroying(records, period)
        emit({"destroyed": period})
