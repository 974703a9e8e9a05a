"""Each case of `cases/`, as a customer's lawyer would check it: through the command, figure by figure.

A case is a page of prose with blocks of YAML. A block says what differs from the default agreement (`agreement`), from
the quiet month beside this file (`months`, one entry an evidence document), and what each statement must say.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.acceptance.compare import differences
from tests.agreement.samples import varied
from typer.testing import CliRunner

from clearline.cli.backtest import app as backtest
from clearline.cli.evaluate import app

HERE = Path(__file__).parent
AGREEMENT = HERE.parents[1] / "agreements" / "voip-level-agreement.yaml"
QUIET_MONTH = json.loads((HERE / "quiet-month.json").read_text())
STATEMENT = Draft202012Validator(json.loads((HERE.parents[1] / "docs" / "schemas" / "statement.json").read_text()))
BLOCKS = [
    pytest.param(yaml.safe_load(block), id=f"{page.stem}-{number}")
    for page in sorted((HERE / "cases").glob("*.md"))
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1)
]


def nested(expected: dict[str, Any]) -> dict[str, Any]:
    """Dotted paths as the tree they describe."""
    tree: dict[str, Any] = {}
    for path, value in expected.items():
        *way, last = path.split(".")
        place = tree
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return tree


def write_agreement(path: Path, changes: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(varied(yaml.safe_load(AGREEMENT.read_text()), changes)))


def files_of(block: dict[str, Any], folder: Path) -> list[str]:
    """Write the block's agreement and evidence; the arguments of `evaluate`."""
    write_agreement(folder / "agreement.yaml", block.get("agreement", {}))
    names = ["agreement.yaml"]
    for number, month in enumerate(block["months"], 1):
        names.append(f"evidence-{number}.json")
        (folder / names[-1]).write_text(json.dumps(varied(QUIET_MONTH, month)))
    return [str(folder / name) for name in names]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_command_says_what_was_worked_out_by_hand(block: dict[str, Any], tmp_path: Path) -> None:
    said = CliRunner().invoke(app, [*files_of(block, tmp_path), "--json"])
    assert (said.exit_code, said.stderr) == (0, "")
    statements = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(statements) == len(block["statements"])
    for statement in statements:
        STATEMENT.validate(statement)
    for statement, expected in zip(statements, block["statements"], strict=True):
        assert differences(nested(expected), statement) == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if "backtest" in block.values[0]])
def test_a_backtest_says_what_the_months_would_have_cost(block: dict[str, Any], tmp_path: Path) -> None:
    write_agreement(tmp_path / "other.yaml", block["against"])
    names = files_of(block, tmp_path)
    said = CliRunner().invoke(backtest, [*names, "--against", str(tmp_path / "other.yaml"), "--json"])
    assert (said.exit_code, said.stderr) == (0, "")
    assert differences(nested(block["backtest"]), json.loads(said.stdout)) == []


@pytest.mark.parametrize(
    "key",
    [
        "notice_days",
        "reviews",
        "coverage",
        "origins",
        "commitments.availability.maintenance",
        "commitments.availability.unknown",
        "commitments.availability.exclusions",
        "commitments.availability.minimum_outage_seconds",
    ],
)
def test_a_key_left_out_means_its_published_default(key: str, tmp_path: Path) -> None:
    example = BLOCKS[0].values[0]
    names = files_of(example, tmp_path)
    terms = yaml.safe_load(AGREEMENT.read_text())
    terms["origins"] = {}
    *way, last = key.split(".")
    place = terms
    for step in way:
        place = place[step]
    del place[last]
    Path(names[0]).write_text(yaml.safe_dump(terms))
    statement = json.loads(CliRunner().invoke(app, [*names, "--json"]).stdout)
    assert differences(nested(example["statements"][0]), statement) == []


def test_the_installed_command_prints_one_document_a_line_in_the_order_given(tmp_path: Path) -> None:
    block: dict[str, Any] = {"months": [{"service.id": name} for name in ("S-2", "S-1", "S-3")]}
    said = subprocess.run(
        [sys.executable, "-m", "clearline", "evaluate", *files_of(block, tmp_path), "--json"],
        capture_output=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, b"")
    assert [json.loads(line)["service"] for line in said.stdout.splitlines()] == ["S-2", "S-1", "S-3"]
