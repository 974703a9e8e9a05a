"""Reading agreements and evidence for the commands: all problems at once, and nothing else printed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from clearline.agreement.evidence import Evidence, parse_evidence, repeated_months
from clearline.agreement.problems import Problem, listed
from clearline.agreement.terms import Agreement, load_agreement
from clearline.cli.exits import fail

STANDARD_INPUT = "-"

AgreementFile = Annotated[str, typer.Argument(metavar="AGREEMENT", help="The terms: a YAML file.")]
EvidenceFiles = Annotated[
    list[str],
    typer.Argument(metavar="EVIDENCE...", help="Service-months: JSON files, or `-` for JSON lines on standard input."),
]


def read_agreement(name: str) -> Agreement:
    """Read an agreement file, or leave with every problem it has."""
    agreement, problems = load_agreement(_bytes_of(name), name)
    if agreement is None:
        fail(f"{name} is not an agreement that can be judged by:\n{listed(problems)}")
    return agreement


def read_months(names: list[str]) -> list[Evidence]:
    """Read evidence files in the order given, or leave with every problem they have."""
    read: list[tuple[str, Evidence]] = []
    problems: list[Problem] = []
    for source, text in _documents(names):
        evidence, found = parse_evidence(text, source)
        problems += found
        if evidence is not None:
            read.append((source, evidence))
    problems += repeated_months(read)
    if problems:
        fail(f"this is not evidence that can be judged:\n{listed(problems)}")
    return [evidence for _, evidence in read]


def _documents(names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each document with its name: a file is one; standard input and `.jsonl` files are one a line."""
    for name in names:
        data = _bytes_of(name)
        if name != STANDARD_INPUT and not name.endswith(".jsonl"):
            yield name, data
            continue
        lines = [(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
        if not lines:
            fail(f"{name} is empty; give one evidence document a line")
        yield from ((f"{name}:{number}", line) for number, line in lines)


def _bytes_of(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}")
