"""Sealing, merging and collecting change nothing that anybody reads, and may die at any point."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.records.make import DAY, NOON, call, sample, stream

from clearline.records import check, parquet
from clearline.records.errors import StoreDamagedError
from clearline.records.schema import INTERVALS, IntervalRecord, Record, record_key
from clearline.records.seal import maintenance, merge_levels, seal_spool
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

WHOLE = {"tenant": "t", "since_us": NOON - 10 * DAY, "until_us": NOON + 10 * DAY}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Records]]:
    """Opens one store, with its manifest in each of the places it can be, as often as wanted."""
    url = request.getfixturevalue("postgresql").url if request.param == "postgresql" else None
    stores = []

    def again() -> Records:
        stores.append(Records(tmp_path / "records", manifest_url=url))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def records(opened: Callable[[], Records]) -> Records:
    return opened()


def everything(records: Records) -> list[list[Record]]:
    return [
        list(records.calls(**WHOLE)),
        list(records.probe_samples(**WHOLE, targets=["T-1", "T-2"])),
        list(records.streams(**WHOLE, call_key=record_key(1))),
    ]


def some_of_everything(number: int) -> list[Record]:
    return [
        call(number, start_us=NOON + number, customer=f"C-{number % 3}"),
        sample(number, at_us=NOON + number, target=f"T-{number % 2 + 1}"),
        stream(number, start_us=NOON + number - DAY),
    ]


def test_sealing_changes_nothing_that_is_read(records: Records, opened: Callable[[], Records]) -> None:
    for number in range(20):
        records.append(some_of_everything(number))
        if number % 7 == 3:
            with maintenance(records):
                seal_spool(records)
    before = everything(records)
    assert [len(rows) for rows in before] == [20, 20, 20]
    done = upkeep(records)
    assert done.sealed
    assert everything(records) == before == everything(opened())
    assert upkeep(records).sealed == []
    assert list((records.path / "spool").iterdir()) == []


def test_repeats_before_and_after_sealing_change_nothing(records: Records) -> None:
    records.append([call(1)])
    upkeep(records)
    records.append([call(1, mos_x100=100)])
    assert records.calls(**WHOLE) == [call(1)]
    with maintenance(records):
        seal_spool(records)
    assert records.calls(**WHOLE) == [call(1)]
    upkeep(records)
    assert records.calls(**WHOLE) == [call(1)]


def test_files_of_a_day_are_merged_level_by_level(records: Records) -> None:
    now_us = records.now_us()
    for number in range(20):
        records.append([sample(number, at_us=now_us + number)])
        with maintenance(records):
            seal_spool(records)
            merge_levels(records)
    levels = [file.level for file in records.manifest.live().files]
    assert sorted(levels) == [0, 0, 0, 0, 1, 1]
    found = records.probe_samples(tenant="t", targets=["T-1"], since_us=now_us, until_us=now_us + DAY)
    assert len(found) == 20


def test_replaced_files_stay_for_the_grace_and_go_after_it(records: Records) -> None:
    records.append([call(1)])
    upkeep(records)
    records.append([call(2)])
    upkeep(records)
    dead = [file.path for file, _ in records.manifest.dead()]
    assert dead
    assert all((records.path / path).exists() for path in dead)
    upkeep(records, grace_us=-1)
    assert not any((records.path / path).exists() for path in dead)
    assert records.manifest.dead() == []


def test_intervals_of_a_stream_come_back_in_order(records: Records) -> None:
    rows = [
        IntervalRecord(record_key("i", n), "t", "s", NOON + n, 10_000_000, 0, 500, 1000, 440, None, "capture", "1", "p")
        for n in range(3)
    ]
    records.append(rows[::-1])
    upkeep(records)
    assert records.intervals(**WHOLE, stream_key="s") == rows
    assert INTERVALS.name in {file.table for file in records.manifest.live().files}


def test_an_older_file_without_newer_columns_is_readable(records: Records) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    from clearline.records.columns import stored_schema, to_batch  # noqa: PLC0415
    from clearline.records.schema import CALLS  # noqa: PLC0415

    rows = [call(1, trunk="gone")]
    import pyarrow as pa  # noqa: PLC0415

    assert records.manifest.live().files == []
    old = pa.Table.from_batches([to_batch(CALLS, rows, 1)]).drop_columns(["trunk", "video_mos_x100", "attributed_by"])
    path = parquet.new_path("calls", NOON // DAY)
    file = parquet.write(records.path, path, old, parquet.footer("calls", NOON // DAY, 9))
    records.manifest.commit(add=[file], now_us=1)
    assert records.calls(**WHOLE) == [call(1, trunk=None)]
    assert "trunk" not in pq.read_schema(records.path / path).names
    assert "trunk" in stored_schema(CALLS).names
    beside = [call(n, start_us=NOON + days * DAY, trunk="known") for n, days in ((3, -3), (4, 3))]
    for row in beside:
        records.append([row])
        upkeep(records)
    wide = {"tenant": "t", "since_us": NOON - 4 * DAY, "until_us": NOON + 4 * DAY}
    assert records.calls(**wide) == [beside[0], call(1, trunk=None), beside[1]]
    records.append([call(2)])
    upkeep(records)
    assert records.calls(**wide) == [beside[0], *sorted([call(1), call(2)], key=lambda row: row.key), beside[1]]


def test_the_manifest_equals_its_rebuild(records: Records) -> None:
    for number in range(30):
        records.append(some_of_everything(number))
        if number % 5 == 0:
            upkeep(records)
    before, listed = everything(records), check.state(records)
    report = check.rebuild(records)
    assert report.problems == []
    assert check.state(records) == listed
    assert everything(records) == before


def test_a_lost_or_damaged_manifest_is_made_again(tmp_path: Path) -> None:
    records = Records(tmp_path / "records")
    for number in range(5):
        records.append(some_of_everything(number))
        upkeep(records)
    before = everything(records)
    records.close()
    (records.path / "manifest.sqlite3").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreDamagedError, match="rebuild"):
        Records(records.path).calls(**WHOLE)
    again = Records(records.path)
    assert check.rebuild(again).problems == []
    assert everything(again) == before


def test_a_lost_manifest_is_noticed_before_anything_is_touched_and_made_again(tmp_path: Path) -> None:
    records = Records(tmp_path / "records")
    for number in range(3):
        records.append(some_of_everything(number))
        upkeep(records)
    before, listed = everything(records), check.state(records)
    records.close()
    for path in records.path.glob("manifest.sqlite3*"):
        path.unlink()
    again = Records(records.path)
    for act in (lambda: upkeep(again), lambda: again.calls(**WHOLE)):
        with pytest.raises(StoreDamagedError, match="rebuild"):
            act()
    check.rebuild(again)
    assert check.state(again) == listed
    assert everything(again) == before


def test_an_unlisted_file_goes_only_if_its_sources_are_there(records: Records) -> None:
    records.append([call(1)])
    upkeep(records)
    (file,) = records.manifest.live(["calls"]).files
    data = parquet.read(records.path, file.path)
    left = parquet.write(
        records.path,
        parquet.new_path("calls", file.day),
        data,
        parquet.footer("calls", file.day, 9, merges=[file.path]),
    )
    only = parquet.write(
        records.path, parquet.new_path("calls", file.day), data, parquet.footer("calls", file.day, 9, merges=["gone"])
    )
    upkeep(records)
    assert not (records.path / left.path).exists()
    assert (records.path / "unlisted" / Path(only.path).name).exists()
    assert len(records.manifest.documents("alert")) == 1
    assert records.calls(**WHOLE) == [call(1)]


def test_check_names_a_damaged_file_and_is_silent_on_a_sound_store(records: Records) -> None:
    records.append(some_of_everything(1))
    upkeep(records)
    assert check.check(records).problems == []
    file = next(file for file in records.manifest.live(["calls"]).files)
    content = bytearray((records.path / file.path).read_bytes())
    content[len(content) // 3] ^= 0x40
    (records.path / file.path).write_bytes(content)
    (problem,) = check.check(records).problems
    assert file.path in problem


def test_spool_damage_is_reported_once_and_kept_aside(records: Records, opened: Callable[[], Records]) -> None:
    records.append([call(1)])
    (segment,) = (records.path / "spool").iterdir()
    records.append([call(2)])
    content = bytearray(segment.read_bytes())
    content[100] ^= 1
    segment.write_bytes(content)
    other = opened()
    upkeep(other)
    assert other.calls(**WHOLE) == [call(2)]
    ((_, _, alert),) = other.manifest.documents("alert")
    assert "damaged" in alert
    assert [path.name for path in (other.path / "damaged").iterdir()] == [segment.with_suffix(".wal").name]


def test_readers_in_other_threads_never_miss_or_double_during_merges(
    records: Records, opened: Callable[[], Records]
) -> None:
    rows = [call(number, start_us=NOON + number) for number in range(400)]
    records.append(rows[:100])
    stop, wrong, asked = threading.Event(), [], [0]

    def read() -> None:
        reader = opened()
        seen = 100
        while not stop.is_set():
            found = reader.calls(**WHOLE)
            asked[0] += 1
            if len(found) < seen or len({row.key for row in found}) != len(found):
                wrong.append((seen, len(found)))
            seen = len(found)

    thread = threading.Thread(target=read)
    thread.start()
    for start in range(100, 400, 10):
        records.append(rows[start : start + 10])
        upkeep(records, grace_us=200_000)
    stop.set()
    thread.join()
    assert wrong == []
    assert asked[0] > 10
    assert records.calls(**WHOLE) == rows
