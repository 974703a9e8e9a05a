"""What others script against has its heading: commands, settings, metrics, documents."""

import importlib
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main

from clearline.cli.main import COMMANDS
from clearline.platform.config import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def headings(name: str) -> set[str]:
    return {line.lstrip("# `").rstrip("` ") for line in (DOCS / name).read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_section_and_its_module(command: str) -> None:
    assert command in headings("commands.md")
    assert importlib.util.find_spec(f"clearline.cli.{COMMANDS[command][0].partition(':')[0]}")


def options_of(command: Any) -> set[str]:
    own = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    return own.union(*(options_of(each) for each in getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_is_told_of_in_the_documents(command: str) -> None:
    module, _, name = COMMANDS[command][0].partition(":")
    app = getattr(importlib.import_module(f"clearline.cli.{module}"), name or "app")
    told = "\n".join(path.read_text() for path in DOCS.glob("*.md"))
    assert {option for option in options_of(typer.main.get_command(app)) if option not in told} - {"--help"} == set()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_has_its_section(name: str) -> None:
    assert f"CLEARLINE_{name.upper()}" in headings("settings.md")


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_is_a_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_a_metric_has_its_section() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    metrics = set(re.findall(r'(?:Counter|Gauge|Histogram|Summary)\(\s*"(clearline_\w+)"', sources))
    assert metrics <= (headings("metrics.md") if (DOCS / "metrics.md").exists() else set())
