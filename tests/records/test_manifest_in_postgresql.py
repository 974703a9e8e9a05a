"""The manifest in PostgreSQL: what is its own there. What holds wherever it is, is in test_seal and test_kill."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests import postgresql as servers
from tests.records.make import DAY, NOON, call, sample

from clearline.records import check
from clearline.records.databases import POSTGRES_NAME, SQLITE_NAME
from clearline.records.errors import ManifestUnreachableError, RecordsError, StoreBusyError, StoreDamagedError
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

pytestmark = pytest.mark.peer
WHOLE = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + DAY}


@pytest.fixture
def opened(postgresql: servers.Server, tmp_path: Path) -> Iterator[Callable[..., Records]]:
    stores = []

    def one(name: str = "records", url: str | None = postgresql.url) -> Records:
        stores.append(Records(tmp_path / name, manifest_url=url))
        return stores[-1]

    yield one
    for store in stores:
        store.close()


def filled(records: Records) -> Records:
    for number in range(2):
        records.append([call(number), sample(number)])
        upkeep(records)
    return records


def test_a_store_moves_to_postgresql_and_back_by_a_rebuild(opened: Callable[..., Records]) -> None:
    before = filled(opened(url=None))
    listed, rows = check.state(before), before.calls(**WHOLE)
    for url, left in ((opened().manifest_url, SQLITE_NAME), (None, POSTGRES_NAME)):
        moved = opened(url=url)
        with pytest.raises(StoreDamagedError, match="rebuild"):
            moved.calls(**WHOLE)
        assert check.rebuild(moved).problems == []
        assert check.state(moved) == listed
        assert moved.calls(**WHOLE) == rows
        assert not (moved.path / left).exists()
        moved.close()


def test_stores_in_one_database_know_nothing_of_each_other(opened: Callable[..., Records]) -> None:
    one, other = filled(opened("one")), opened("other")
    assert other.calls(**WHOLE) == []
    assert len(one.calls(**WHOLE)) == 2


def test_of_many_who_open_a_new_store_at_once_all_get_the_same(opened: Callable[..., Records]) -> None:
    stores, together = [opened() for _ in range(6)], threading.Barrier(6)
    failed: list[Exception] = []

    def write(store: Records, number: int) -> None:
        together.wait()
        try:
            store.manifest.put_document("alert", str(number), number, "{}")
        except RecordsError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(store, number)) for number, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [len(store.manifest.documents("alert")) for store in stores] == [6] * 6


def test_of_two_who_replace_the_same_file_one_does_and_the_other_changes_nothing(
    opened: Callable[..., Records],
) -> None:
    records = filled(opened())
    (file,) = records.manifest.live(["calls"]).files
    rivals, together = [opened(), opened()], threading.Barrier(2)
    won: list[str] = []
    lost: list[str] = []

    def replace(number: int) -> None:
        together.wait()
        try:
            rivals[number].manifest.commit(kill=[file.path], sealed=[f"by-{number}"], now_us=1)
            won.append(f"by-{number}")
        except RecordsError as error:
            lost.append(str(error))

    threads = [threading.Thread(target=replace, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert "somebody else" in lost[0]
    assert {name for name in records.manifest.sealed_segments() if name.startswith("by-")} == set(won)


def test_what_was_acknowledged_is_there_after_the_server_crashed_and_came_back(tmp_path: Path) -> None:
    with servers.running() as server:
        records = filled(Records(tmp_path / "records", manifest_url=server.url))
        listed = check.state(records)
        server.stop("immediate")
        records.append([call("meanwhile")])
        for act in (lambda: records.calls(**WHOLE), lambda: upkeep(records), lambda: check.rebuild(records)):
            with pytest.raises(ManifestUnreachableError, match="CLEARLINE_RECORDS_MANIFEST"):
                act()
        server.start()
        assert check.state(records) == listed
        assert len(records.calls(**WHOLE)) == 3
        server.stop()
        server.start()
        assert len(records.calls(**WHOLE)) == 3, "a restart between two questions is not noticed"
        records.close()


def test_a_lost_schema_is_noticed_before_anything_is_touched_and_made_again(
    opened: Callable[..., Records], postgresql: servers.Server
) -> None:
    records = filled(opened())
    listed, rows = check.state(records), records.calls(**WHOLE)
    records.close()
    schema = (records.path / POSTGRES_NAME).read_text()
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    again = opened()
    for act in (lambda: upkeep(again), lambda: again.calls(**WHOLE)):
        with pytest.raises(StoreDamagedError, match="rebuild"):
            act()
    assert check.rebuild(again).problems == []
    assert check.state(again) == listed
    assert again.calls(**WHOLE) == rows


def test_waiting_for_a_lock_ends_with_a_plain_error(
    opened: Callable[..., Records], postgresql: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clearline.records.databases.BUSY_SECONDS", 1)
    records = filled(opened())
    schema = (records.path / POSTGRES_NAME).read_text()
    with psycopg.connect(postgresql.url) as connection:
        connection.execute(f'LOCK TABLE {schema}."document" IN ACCESS EXCLUSIVE MODE'.encode())
        with pytest.raises(StoreBusyError, match="try again"):
            records.manifest.documents("alert")
    assert records.manifest.documents("alert") == []


def test_a_forked_process_has_a_connection_of_its_own(opened: Callable[..., Records]) -> None:
    manifest = filled(opened()).manifest
    child = os.fork()
    if child == 0:
        os._exit(len(manifest.live(["calls"]).files))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert len(manifest.live(["calls"]).files) == 1
