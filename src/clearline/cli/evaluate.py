"""`clearline evaluate`: months of evidence in, statements out."""

import json
import sys
from typing import Annotated

import typer

from clearline.agreement.statement import evaluate_months
from clearline.cli.documents import AgreementFile, EvidenceFiles, read_agreement, read_months
from clearline.cli.exits import NOT_SO

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    agreement: AgreementFile,
    evidence: EvidenceFiles,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Leave with 1 when a commitment was missed.")] = False,
) -> None:
    """Judge each month of evidence and print one statement each, in the order given.

    Several months of one service together also yield the right to terminate.
    """
    statements = evaluate_months(read_agreement(agreement), read_months(evidence))
    for index, statement in enumerate(statements):
        if as_json:
            sys.stdout.write(json.dumps(statement.to_json()) + "\n")
        else:
            sys.stdout.write(("\n\n" if index else "") + statement.text())
    if exit_code and any(statement.missed for statement in statements):
        raise typer.Exit(NOT_SO)
