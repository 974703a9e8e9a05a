"""What others script against has its heading: commands, settings, metrics, documents."""

import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import pytest

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
