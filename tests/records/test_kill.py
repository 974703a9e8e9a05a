"""kill -9 at random moments while writing, sealing, merging and erasing: nothing acknowledged is lost or doubled."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.postgresql import Server
from tests.records.make import DAY, NOON

from clearline.records import check
from clearline.records.schema import record_key
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

KILLS = int(os.environ.get("CLEARLINE_TEST_KILLS", "8"))
"""`./clearline bench records --kills 100` sets more."""
WHOLE = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 20 * DAY}

CHILD = """
import itertools, sys, time
from clearline.records import erasure
from clearline.records.store import Records
from clearline.records.upkeep import upkeep
from tests.records.make import call, NOON, DAY

records, number = Records(sys.argv[1], manifest_url=sys.argv[4] or None), int(sys.argv[3])

def write():
    for batch in itertools.count(number * 100000):
        rows = [call((batch, n), start_us=NOON + batch % 3 * DAY + n, caller=f"sip:{batch % 50}@a") for n in range(5)]
        records.append(rows)
        print(batch, flush=True)
        time.sleep(0.01)  # so that the store stays small while the others catch up

def keep_up():
    while True:
        upkeep(records, grace_us=20_000)
        print("kept", flush=True)
        time.sleep(0.05)  # so that others get the lock

def erase():
    for person in itertools.count(number):
        erasure.erase_person(records, tenant="t", number=str(person % 50), who="test", why="asked")
        print("erased", flush=True)
        time.sleep(0.05)

{"write": write, "upkeep": keep_up, "erase": erase}[sys.argv[2]]()
"""


def start(records: Records, act: str, number: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(records.path), act, str(number), records.manifest_url or ""]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def kill(process: "subprocess.Popen[str]") -> list[str]:
    """Kill it and return what it acknowledged."""
    process.kill()
    return process.communicate()[0].splitlines()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    keeps_what_it_acknowledged(Records(tmp_path / "records"), KILLS)


@pytest.mark.slow
@pytest.mark.peer
def test_nothing_is_lost_or_doubled_by_kills_with_the_manifest_in_postgresql(
    tmp_path: Path, postgresql: Server
) -> None:
    keeps_what_it_acknowledged(Records(tmp_path / "records", manifest_url=postgresql.url), max(4, KILLS // 2))


def keeps_what_it_acknowledged(records: Records, kills: int) -> None:
    source = random.Random(kills)
    acknowledged: set[int] = set()
    acts = ["write", "upkeep", "write", "erase"]
    running = [(act, start(records, act, number)) for number, act in enumerate(acts)]
    for number in range(kills):
        act, process = running.pop(0)
        assert process.stdout
        heard = [process.stdout.readline().strip()]
        time.sleep(source.uniform(0, 0.2))
        said = heard + kill(process)
        if act == "write":
            acknowledged |= {int(line) for line in said}
        if number < kills - len(acts):
            running.append((act, start(records, act, number + 10)))
    keys = sorted(row.key for row in records.calls(**WHOLE))
    assert acknowledged
    assert len(keys) == len(set(keys))
    assert {record_key((batch, n)) for batch in acknowledged for n in range(5)} <= set(keys)
    upkeep(records)
    assert check.check(records).problems == []
    listed = check.state(records)
    assert check.rebuild(records).problems == []
    assert check.state(records) == listed
    assert sorted(row.key for row in records.calls(**WHOLE)) == keys
    records.close()
