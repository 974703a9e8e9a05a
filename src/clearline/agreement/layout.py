"""Plain text of a fixed width: paragraphs with a label in the margin, and lists."""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

WIDTH = 92
LABEL = 14
MOST_LISTED = 20
"""A letter lists so many outages, windows or requests; the statement's JSON has them all."""

_NO_BREAK = "\u00a0"
_number_and_unit = re.compile(r"(?<=[0-9]) (?=(%|ms|s|min|h|d)(\W|$))")

Item = TypeVar("Item")


def wrapped(text: str, label: str = "") -> list[str]:
    """Wrap a paragraph, with a label in its margin or without a margin."""
    return _wrap(text, f"  {label:{LABEL}}", " " * (2 + LABEL)) if label else _wrap(text, "  ", "  ")


def bullet(text: str) -> list[str]:
    """Wrap one item of a list."""
    return _wrap(text, "  - ", "    ")


def _wrap(text: str, first: str, others: str) -> list[str]:
    """Wrap text at spaces, but not between a number and its unit."""
    kept = _number_and_unit.sub(_NO_BREAK, text)
    lines = textwrap.wrap(kept, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def listed(label: str, items: Sequence[Item], say: Callable[[Item], str]) -> Iterator[str]:
    """Say items one a line below a label, and how many were left out."""
    for index, item in enumerate(items[:MOST_LISTED]):
        yield from wrapped(say(item), label if index == 0 else " ")
    if len(items) > MOST_LISTED:
        yield from wrapped(f"and {len(items) - MOST_LISTED:,} more", " ")
