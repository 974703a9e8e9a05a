"""Several machines on one directory: their processes may have the same numbers, and each writes and keeps up."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.postgresql import Server
from tests.records.make import DAY, NOON

from clearline.records import check
from clearline.records.engines import spill
from clearline.records.schema import record_key
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

WHOLE = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 9 * DAY}
BATCHES = 12

MACHINE = """
import os, sys
from clearline.records.store import Records
from clearline.records.upkeep import upkeep
from tests.records.make import call, NOON, DAY

os.getpid = lambda: 7  # as the first process of every container has the same
records, machine = Records(sys.argv[1], manifest_url=sys.argv[2]), int(sys.argv[3])
span = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 9 * DAY}
for batch in range(int(sys.argv[4])):
    records.append([call((machine, batch, n), start_us=NOON + n * DAY) for n in range(3)])
    records.append([call(("both", batch), start_us=NOON)])
    if batch % 4 == machine:
        upkeep(records)
    if batch % 5 == machine:
        own = {row.key for row in records.calls(**span)}
        assert {call((machine, n, 0)).key for n in range(batch + 1)} <= own
records.close()
"""


@pytest.mark.peer
def test_two_machines_with_the_same_process_number_write_ask_and_keep_up_one_store(
    tmp_path: Path, postgresql: Server
) -> None:
    path = tmp_path / "records"
    machines = [
        subprocess.Popen(
            [sys.executable, "-c", MACHINE, str(path), postgresql.url, str(number), str(BATCHES)],
            cwd=Path(__file__).parents[2],
        )
        for number in range(2)
    ]
    assert [machine.wait() for machine in machines] == [0, 0]
    records = Records(path, manifest_url=postgresql.url)
    upkeep(records)
    own = {record_key((machine, batch, n)) for machine in range(2) for batch in range(BATCHES) for n in range(3)}
    both = {record_key(("both", batch)) for batch in range(BATCHES)}
    keys = [row.key for row in records.calls(**WHOLE)]
    assert sorted(keys) == sorted(own | both)
    assert check.check(records).problems == []
    listed = check.state(records)
    assert check.rebuild(records).problems == []
    assert check.state(records) == listed
    records.close()


KILLED = """
import os, sys
from pathlib import Path
from clearline.records.engines.spill import Spill

Spill(Path(sys.argv[1])).path.mkdir()
os._exit(1)
"""


def test_what_an_engine_spills_is_its_own_until_it_is_closed_or_gone(tmp_path: Path) -> None:
    one, other = spill.Spill(tmp_path), spill.Spill(tmp_path)
    assert one.path != other.path
    one.path.mkdir()
    spill.clear(tmp_path)
    assert one.path.is_dir(), "another's upkeep took away what a query was reading"
    one.close()
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 3
    spill.clear(tmp_path)
    assert list(tmp_path.iterdir()) == [other.path.with_suffix(".lock")]
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_an_engine_spills_where_no_other_does(tmp_path: Path) -> None:
    engines = [Records(tmp_path).maker, Records(tmp_path).maker]
    ask = "SELECT current_setting('temp_directory')"
    places = {engine.connection().execute(ask).fetchall()[0][0] for engine in engines}
    assert len(places) == 2
    for engine in engines:
        engine.close()
    assert list((tmp_path / "spill").iterdir()) == []


def test_a_store_that_cannot_be_written_is_asked_within_the_memory(tmp_path: Path) -> None:
    (tmp_path / "spill").write_text("in the way, as a disk that cannot be written is")
    assert Records(tmp_path).maker.connection().execute("SELECT 1").fetchall() == [(1,)]
