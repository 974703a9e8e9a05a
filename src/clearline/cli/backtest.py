"""`clearline backtest`: what terms would have cost on past months, beside other terms."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from clearline.agreement.backtest import Backtest, backtest, line_sums
from clearline.agreement.figures import plain
from clearline.agreement.money import Money
from clearline.agreement.promises import Agreement
from clearline.agreement.words import NAMES, counted, listing
from clearline.cli.documents import AgreementFile, EvidenceFiles, read_agreement, read_months

app = typer.Typer(add_completion=False)

SCHEMA = "clearline/backtest/1"


@app.command("backtest")
def backtest_command(
    agreement: AgreementFile,
    evidence: EvidenceFiles,
    against: Annotated[str | None, typer.Option(metavar="OTHER", help="Other terms to compare with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what terms would have cost on past months, by month and clause, and when the right to terminate was open."""
    terms, other = read_agreement(agreement), read_agreement(against) if against else None
    months = read_months(evidence)
    result, compared = backtest(terms, months), backtest(other, months) if other else None
    if as_json:
        document = {"schema": SCHEMA} | result.to_json() | {"against": compared and compared.to_json()}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    sys.stdout.write("\n".join(_report(result, compared)) + "\n")


def _report(result: Backtest, compared: Backtest | None) -> Iterator[str]:
    yield f"{_title(result.agreement)} on {counted(len(result.statements), 'month')}"
    yield ""
    yield from _table(_rows(result, compared))
    for each in [result, *([compared] if compared else [])]:
        yield ""
        yield _title(each.agreement)
        yield from _sums(each)
    if compared:
        yield ""
        yield from _difference(result, compared)


def _title(agreement: Agreement) -> str:
    return f"{agreement.title}, version {agreement.version}"


def _rows(result: Backtest, compared: Backtest | None) -> list[list[str]]:
    """The table's heading and a row a month: the credit lines of each clause, and what is credited in all."""
    commitments = [rule.commitment for rule in result.agreement.credits.rules]
    clauses = [getattr(result.agreement.commitments, commitment).clause for commitment in commitments]
    heading = ["Month", "Customer", "Service", "Fee", *clauses, "Credited", *(["Other terms"] if compared else []), ""]
    rows = [heading]
    for index, statement in enumerate(result.statements):
        evidence, currency, sums = statement.evidence, statement.currency, line_sums(statement)
        rows.append(
            [
                str(evidence.month),
                evidence.customer_id,
                evidence.service.id,
                f"{Money.rounded(statement.fee, currency).amount:,f}",
                *(f"{Money.rounded(sums[commitment], currency).amount:,f}" for commitment in commitments),
                f"{statement.total.amount.amount:,f}",
                *([f"{compared.statements[index].total.amount.amount:,f}"] if compared else []),
                currency,
            ]
        )
    return rows


def _table(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if column < 3 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _sums(result: Backtest) -> Iterator[str]:
    for each in result.sums():
        yield f"  Credited     {each.credited}, {plain(each.percent)} % of {each.fees} in fees"
        parts = [f"{NAMES[name].lower()} {money}" for name, money in each.by_commitment.items() if money.amount]
        if parts:
            yield f"  Of which     {listing(parts)} (before stacking and cap)"
        if each.worst:
            evidence = each.worst.evidence
            yield (
                f"  Worst month  {evidence.month} of {evidence.service.id} of {evidence.customer_id}: "
                f"{each.worst.total.amount}"
            )
    opened = {service: months for service, months in result.open_months().items() if months}
    for (customer, service), months in opened.items():
        yield f"  May leave    {customer} with {service}: in {listing([str(month) for month in months])}"
    if not opened:
        yield "  May leave    nobody: the right to terminate never opened"


def _difference(result: Backtest, compared: Backtest) -> Iterator[str]:
    for mine, theirs in zip(result.sums(), compared.sums(), strict=True):
        difference = theirs.credited.exact - mine.credited.exact
        than = "more" if difference > 0 else "less"
        if difference == 0:
            yield f"{_title(compared.agreement)} credits as much, in {theirs.credited.currency}."
        else:
            amount = Money.rounded(abs(difference), mine.credited.currency)
            yield f"{_title(compared.agreement)} credits {amount} {than}."
