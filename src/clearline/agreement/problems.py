"""What is wrong with a document, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple["Path", str | int] | None
"""A position in a document as a chain from the leaf to the root: cheap to extend, written only when needed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a document is refused.

    Attributes:
        source: the document's name, as its reader knows it (a file name).
        position: where in it, such as `availability.downtime[2].until`; empty for the document as a whole.
        message: what is wrong, in words.
    """

    source: str
    position: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.position, self.message) if part)


@dataclass(frozen=True, slots=True)
class Report:
    """Collects the problems of one document while it is read."""

    source: str
    problems: list[Problem]

    def add(self, at: Path, message: str) -> None:
        """Note that the value at `at` is refused because of `message`."""
        self.problems.append(Problem(self.source, written(at), message))


def written(at: Path) -> str:
    """Write a path: `credits.rules[0].step`."""
    steps: list[str | int] = []
    while at is not None:
        at, step = at
        steps.append(step)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(steps))
    return text.removeprefix(".")


def listed(problems: Sequence[Problem]) -> str:
    """Write problems one a line."""
    return "\n".join(str(problem) for problem in problems)
