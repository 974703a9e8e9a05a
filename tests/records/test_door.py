"""What is appended is there: durably, once, for every reader."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.records.make import DAY, NOON, call, sample, stream

from clearline.records.errors import BadRecordError, StoreFullError, StoreReadOnlyError
from clearline.records.schema import record_key
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

WHOLE = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + DAY}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records")


def test_records_come_back_as_they_were_given(records: Records) -> None:
    rows = [call(1), call(2, mos_x100=None, customer=None), sample(1), stream(1)]
    records.append(rows)
    assert records.calls(**WHOLE) == sorted(rows[:2], key=lambda row: row.key)
    assert records.probe_samples(**WHOLE, targets=["T-1"]) == [rows[2]]
    assert records.streams(**WHOLE, call_key=record_key(1)) == [rows[3]]


def test_the_same_key_again_changes_nothing(records: Records) -> None:
    records.append([call(1), call(1, mos_x100=100)])
    records.append([call(1, mos_x100=200)])
    assert records.calls(**WHOLE) == [call(1)]


def test_another_process_reads_at_once_what_was_appended(records: Records) -> None:
    other = Records(records.path)
    assert other.calls(**WHOLE) == []
    for number in range(3):
        records.append([call(number)])
        assert len(other.calls(**WHOLE)) == number + 1


def test_rows_of_another_tenant_are_never_seen(records: Records) -> None:
    records.append([call(1), call(2, tenant="other")])
    assert [row.tenant for row in records.calls(**WHOLE)] == ["t"]


def test_bounds_are_half_open(records: Records) -> None:
    records.append([call(1), call(2, start_us=NOON + 1)])
    assert records.calls(tenant="t", since_us=NOON, until_us=NOON + 1) == [call(1)]


def test_calls_of_one_service_or_customer(records: Records) -> None:
    rows = [call(1), call(2, service="S-2"), call(3, customer="C-2", service="S-3")]
    records.append(rows)
    assert records.calls(**WHOLE, service="S-2") == [rows[1]]
    assert records.calls(**WHOLE, customer="C-2") == [rows[2]]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"mos_x100": 4.3}, "mos_x100"),
        ({"start_us": None}, "start_us"),
        ({"start_us": -1}, "start_us"),
        ({"start_us": 10**18}, "start_us"),
        ({"caller": 5}, "caller"),
        ({"talk_us": 2**64}, "talk_us"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_with_its_batch(
    records: Records, fields: dict[str, object], word: str
) -> None:
    with pytest.raises(BadRecordError, match=word):
        records.append([call(1), call(2, **fields)])
    assert records.calls(**WHOLE) == []


def test_a_torn_last_frame_is_not_seen_and_hides_nothing_before_it(records: Records) -> None:
    records.append([call(1)])
    records.append([call(2)])
    (segment,) = (records.path / "spool").iterdir()
    os.truncate(segment, segment.stat().st_size - 5)
    assert Records(records.path).calls(**WHOLE) == [call(1)]


def test_damage_in_the_middle_costs_only_the_damaged_batch(records: Records) -> None:
    records.append([call(1)])
    (segment,) = (records.path / "spool").iterdir()
    size = segment.stat().st_size
    records.append([call(2)])
    content = bytearray(segment.read_bytes())
    content[size // 2] ^= 1
    segment.write_bytes(content)
    assert Records(records.path).calls(**WHOLE) == [call(2)]


def _failing(error: int) -> Callable[[int], None]:
    def fail(_descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    return fail


@pytest.mark.parametrize(("error", "kind"), [(errno.ENOSPC, StoreFullError), (errno.EROFS, StoreReadOnlyError)])
def test_a_refused_write_is_a_plain_error_and_the_next_one_works(
    records: Records, monkeypatch: pytest.MonkeyPatch, error: int, kind: type[Exception]
) -> None:
    records.append([call(1)])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", _failing(error))
        with pytest.raises(kind):
            records.append([call(2)])
    records.append([call(3)])
    assert {row.key for row in records.calls(**WHOLE)} == {record_key(1), record_key(3)}


def test_the_schema_alone_loads_no_engine() -> None:
    heavy = "{'pyarrow', 'duckdb', 'ibis'} & sys.modules.keys()"
    code = f"import sys, clearline.records.schema, clearline.records.store; print({heavy} or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"


def test_after_the_clock_was_set_back_the_first_record_still_counts_and_an_alert_says_so(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.append([call(1)])
    upkeep(records)
    records.append([call(2)])
    hour_ago = time.time_ns() - 3600 * 10**9
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: hour_ago)
        other = Records(records.path)
        for store in (records, other):
            store.append([call(1, mos_x100=100), call(2, mos_x100=100)])
        upkeep(other)
    assert records.calls(**WHOLE) == sorted([call(1), call(2)], key=lambda row: row.key)
    alerts = [body for _, _, body in records.manifest.documents("alert")]
    assert len(alerts) == 2
    assert all("set back by 3" in body for body in alerts)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_a_plain_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreReadOnlyError, match="writable"):
        Records(tmp_path / "records").append([call(1)])
