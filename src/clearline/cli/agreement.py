"""`clearline agreement`: what terms mean, and what changes between two versions."""

import json
import sys
from datetime import date
from typing import Annotated

import typer

from clearline.agreement.diff import Change, diff
from clearline.agreement.lint import lint
from clearline.agreement.words import day_text
from clearline.cli.documents import read_agreement
from clearline.cli.exits import NOT_SO, fail

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Lint an agreement, or compare two versions.")

FOR_CUSTOMER = {"better": "Better for the customer", "worse": "Worse for the customer", "changed": "Changed"}


@app.command("lint")
def lint_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The terms: a YAML file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what an agreement's terms come to in plain numbers, and warn of terms that work against each other.

    Leaves with 1 when there is a warning, with 2 when the file is not an agreement.
    """
    found = lint(read_agreement(file))
    if as_json:
        sys.stdout.write(json.dumps(found.to_json()) + "\n")
    else:
        for sentence in found.consequences:
            sys.stdout.write(f"- {sentence}\n")
        for warning in found.warnings:
            sys.stdout.write(f"warning: {warning}\n")
    if found.warnings:
        raise typer.Exit(NOT_SO)


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The version in force.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The version that follows it.")],
    notified: Annotated[
        str | None, typer.Option(metavar="DAY", help="The day customers were notified, such as 2026-11-01.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what changes for the customer from one version to the next.

    Leaves with 1 when the change breaks the rules for changes: a new version, on a month's first day, notified in time.
    """
    step = diff(read_agreement(old), read_agreement(new), _day(notified))
    if as_json:
        sys.stdout.write(json.dumps(step.to_json()) + "\n")
    else:
        for for_customer, heading in FOR_CUSTOMER.items():
            changes = [change for change in step.changes if change.for_customer == for_customer]
            if changes:
                sys.stdout.write(f"{heading}:\n" + "".join(f"  {_change_text(change)}\n" for change in changes))
        if not step.changes:
            sys.stdout.write("No term changes.\n")
        sys.stdout.write(f"Customers must be notified by {day_text(step.notify_by)}.\n")
        for problem in step.problems:
            sys.stdout.write(f"problem: {problem}\n")
    if step.problems:
        raise typer.Exit(NOT_SO)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        fail(f"--notified must be a day such as 2026-11-01, not {text!r}")


def _change_text(change: Change) -> str:
    if change.old is None and change.new is True:
        return f"{change.key}: new"
    if change.old is True and change.new is None:
        return f"{change.key}: gone"
    return f"{change.key}: {json.dumps(change.old, ensure_ascii=False)} → {json.dumps(change.new, ensure_ascii=False)}"
