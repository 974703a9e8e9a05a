"""`mos`: the quality models as a calculator, for one question or a stream of them."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, BinaryIO, NoReturn

import typer

from clearline.cli.exits import BAD_INPUT, DONE, fail

app = typer.Typer(add_completion=False)

MAX_LINE_BYTES = 65_536
"""The longest line of a question."""


@app.command()
def mos(  # noqa: PLR0913, PLR0917  # a command's options
    model: Annotated[
        str | None, typer.Option(help="G.107, G.107.1, G.107.2 or G.1070; by the codec if left out.")
    ] = None,
    codec: Annotated[str | None, typer.Option(help="In place of ie and bpl: G.711, G.729A, AMR-WB 12.65, …")] = None,
    profile: Annotated[str | None, typer.Option(help="planning, measured or calibrated.")] = None,
    ppl: Annotated[float | None, typer.Option(help="Packets lost, percent.")] = None,
    burst_r: Annotated[float | None, typer.Option(help="Burst ratio, 1 for random loss.")] = None,
    delay: Annotated[
        float | None, typer.Option(help="One way, mouth to ear, ms, with its echo: ta, t and half of tr.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Any other parameter of the model; repeatable."),
    ] = None,
    r: Annotated[float | None, typer.Option("--r", help="A rating to turn into a score.")] = None,
    score: Annotated[float | None, typer.Option("--mos", help="A score to turn into a rating.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Answer each JSON object of standard input, a line each.")
    ] = False,
    codecs: Annotated[
        bool, typer.Option("--codecs", help="List the codecs of the profile with their sources.")
    ] = False,
) -> None:
    """Rate a call from its transmission parameters, or convert between R and MOS."""
    if jsonl:
        sys.exit(answer_lines(sys.stdin.buffer))
    if codecs:
        _list_codecs(profile or "planning", as_json=as_json)
        return
    question = {
        "model": model,
        "codec": codec,
        "profile": profile,
        "ppl": ppl,
        "burst_r": burst_r,
        "r": r,
        "mos": score,
    }
    question = {name: value for name, value in question.items() if value is not None}
    if delay is not None:
        question |= {"ta": delay, "t": delay, "tr": 2 * delay}
    _show(question | dict(map(_named_value, parameter or [])), as_json=as_json)


def _named_value(text: str) -> tuple[str, object]:
    """Split NAME=VALUE; the value of `set` is a name, all others are numbers."""
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"--parameter {text}: NAME=VALUE is needed")
    if name == "set":
        return name, value
    try:
        return name, float(value)
    except ValueError:
        fail(f"--parameter {text}: {value!r} is not a number")


def _show(question: dict[str, object], *, as_json: bool) -> None:
    from clearline.voice.calculator import CalculationError, calculate  # noqa: PLC0415  # only when asked
    from clearline.voice.impairments import codec_impairment  # noqa: PLC0415  # only when asked

    try:
        if "model" not in question:
            row = codec_impairment(str(question.get("codec", "")), str(question.get("profile", "planning")))
            question["model"] = row.model if row else "G.107"
        answer = calculate(question)
    except (CalculationError, ValueError) as error:
        fail(f"{error}")
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    for name, value in answer.items():
        sys.stdout.write(f"{name:>8}  {f'{value:.4f}' if isinstance(value, float) else value}\n")


def _list_codecs(profile: str, *, as_json: bool) -> None:
    from clearline.voice.impairments import codecs  # noqa: PLC0415  # only when asked

    try:
        rows = codecs(profile)
    except ValueError as error:
        fail(f"{error}")
    for row in rows:
        if as_json:
            fields = {"codec": row.codec, "model": row.model, "ie": row.ie, "bpl": row.bpl, "source": row.source}
            sys.stdout.write(json.dumps(fields) + "\n")
        else:
            bpl = "-" if row.bpl is None else f"{row.bpl:g}"
            sys.stdout.write(f"{row.codec:22} {row.model:8} Ie {row.ie:<6g} Bpl {bpl:6} {row.source}\n")


def answer_lines(questions: BinaryIO) -> int:
    """Answer one JSON object a line; a line that can't be answered gets an error object on standard error instead.

    Returns:
        The exit status: 2 when any line could not be answered.
    """
    from clearline.voice.calculator import CalculationError, calculate  # noqa: PLC0415  # only when asked

    status = DONE
    for number, line in _lines(questions):
        try:
            sys.stdout.write(json.dumps(calculate(_parse(line))) + "\n")
        except (CalculationError, ValueError, RecursionError) as error:
            sys.stderr.write(json.dumps({"line": number, "error": f"{error}"}) + "\n")
            status = BAD_INPUT
    return status


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give the numbered lines that aren't blank, each cut just past the greatest length."""
    number = 0
    while line := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = source.readline(MAX_LINE_BYTES + 1)
        if line.strip():
            yield number, line


def _parse(line: bytes) -> object:
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"the line is longer than {MAX_LINE_BYTES} bytes")
    return json.loads(line.decode(), parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is there twice")
    return document
