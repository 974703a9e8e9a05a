"""The pure parts read no clock, file, environment or random source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "clearline"
PURE = sorted(path for part in ("agreement", "voice") for path in (SOURCE / part).rglob("*.py"))

FORBIDDEN_MODULES = {"time", "os", "random", "secrets", "socket", "asyncio", "subprocess", "threading", "io", "pathlib"}
FORBIDDEN_CALLS = {"open", "now", "utcnow", "today", "getenv", "print", "input"}


def offences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0]]
        elif isinstance(node, ast.Call):
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: calls {called}()"
            continue
        else:
            continue
        yield from (f"line {node.lineno}: imports {name}" for name in names if name in FORBIDDEN_MODULES)


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_pure_part_reads_nothing_but_its_arguments(path: Path) -> None:
    assert list(offences(ast.parse(path.read_text()))) == []


def test_the_rule_sees_an_offence() -> None:
    assert list(offences(ast.parse("import time\nfrom datetime import datetime\ndatetime.now()\n"))) == [
        "line 1: imports time",
        "line 3: calls now()",
    ]
