"""A person or a customer can be exported and erased for good; ages and holds are kept; no sum changes with a name."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.records.make import DAY, NOON, call, stream

from clearline.records import ageing, alerts, check, erasure, figures, holds, nightly, parquet, snapshot
from clearline.records.columns import to_batch
from clearline.records.errors import BadRecordError, HeldError, RecordsError
from clearline.records.schema import CALLS, ClientReport, record_key
from clearline.records.search import search
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

WHOLE: dict[str, Any] = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 2 * DAY}
WHO = {"who": "dpo", "why": "asked on 3 May"}
PERSON = "+12025550142"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records")


def report(name: object, **fields: Any) -> ClientReport:
    values: dict[str, Any] = dict.fromkeys(ClientReport.__dataclass_fields__)
    known = {"key": record_key("r", name), "tenant": "t", "at_us": NOON, "kind": "vq", "source": "phone"}
    return ClientReport(**{**values, **known, "code_version": "1", "profile": "planning", **fields})


def fill(records: Records) -> None:
    records.append(
        [
            call(1, caller=f"sip:{PERSON}@a", source_address="192.0.2.7"),
            call(2, callee="<tel:+1-202-555-0142>", start_us=NOON + DAY),
            call(3, customer="C-2", service="S-2"),
            call(4, tenant="u", caller=PERSON, customer="C-9"),
            stream(1, call_key=record_key(1)),
            stream(2, call_key=record_key(3)),
            report(1, reporter=f"sip:{PERSON}@a", customer="C-1"),
            report(2, reporter="sip:other@a", customer="C-2"),
        ]
    )


def bytes_on_disk(records: Records) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(records.path.rglob("*")) if path.is_file())


@pytest.mark.parametrize("sealed", [False, True])
def test_an_erased_person_is_nowhere_and_no_sum_changes(records: Records, sealed: bool) -> None:  # noqa: FBT001
    fill(records)
    if sealed:
        upkeep(records)
    before = figures.totals(records, **WHOLE, by=["customer"])
    assert len(erasure.export_person(records, tenant="t", number=PERSON)) == 3
    done = erasure.erase_person(records, tenant="t", number="+1 (202) 555-0142", **WHO)
    assert done.rows == {"calls": 2, "client_reports": 1, "streams": 1}
    assert done.read_back > 0
    assert erasure.export_person(records, tenant="t", number=PERSON) == []
    assert search(records, **WHOLE, number=PERSON) == []
    assert search(records, **WHOLE, call_id="1@pbx") == []
    assert figures.totals(records, **WHOLE, by=["customer"]) == before
    gone = next(row for row in records.calls(**WHOLE) if row.key == record_key(1))
    assert (gone.caller, gone.callee, gone.call_id, gone.source_address) == (None, None, None, None)
    assert gone.mos_x100 == call(1).mos_x100
    (mine,) = records.streams(**WHOLE, call_key=record_key(1))
    assert (mine.source, mine.destination) == (None, None)
    (other,) = records.streams(**WHOLE, call_key=record_key(3))
    assert other.source is not None
    assert len(search(records, **{**WHOLE, "tenant": "u"}, number=PERSON)) == 1
    assert b"192.0.2.7" not in bytes_on_disk(records)
    assert check.check(records).problems == []
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed


def test_erasing_a_person_leaves_snapshots_recomputable(records: Records) -> None:
    fill(records)
    name = snapshot.take(records, **WHOLE, who="ann", why="closed")
    records.revise([call(3, customer="C-2", service="S-2", mos_x100=100)], who="ann", why="re-scored")
    upkeep(records)
    erasure.erase_person(records, tenant="t", number=PERSON, **WHO)
    assert snapshot.recompute(records, name).same


def test_an_erased_customer_leaves_nothing_behind(records: Records) -> None:
    fill(records)
    upkeep(records)
    done = erasure.erase_customer(records, tenant="t", customer="C-1", **WHO)
    assert done.rows == {"calls": 2, "client_reports": 1, "streams": 1}
    assert [row.customer for row in records.calls(**WHOLE)] == ["C-2"]
    assert [row["customer"] for row in figures.totals(records, **WHOLE, by=["customer"])] == ["C-2"]
    assert b"C-1" not in b"".join(path.read_bytes() for path in (records.path / "data").rglob("*.parquet"))
    assert check.check(records).problems == []


def test_a_hold_forbids_and_its_release_allows(records: Records) -> None:
    fill(records)
    name = holds.hold(records, tenant="t", customer="C-1", who="court", why="case 7")
    for forbidden in (
        lambda: erasure.erase_person(records, tenant="t", number=PERSON, **WHO),
        lambda: erasure.erase_customer(records, tenant="t", customer="C-1", **WHO),
        lambda: ageing.expire(records, "calls", before_day=NOON // DAY + 9, who="clock"),
        lambda: ageing.expire_customer(records, "calls", tenant="t", customer="C-1", before_us=NOON + 9 * DAY),
    ):
        with pytest.raises(HeldError, match="case 7"):
            forbidden()
    assert len(records.calls(**WHOLE)) == 3
    assert erasure.erase_customer(records, tenant="t", customer="C-2", **WHO).rows["calls"] == 1
    holds.release(records, name, who="court", why="case closed")
    assert holds.holds(records) == {}
    assert erasure.erase_person(records, tenant="t", number=PERSON, **WHO).rows["calls"] == 2
    with pytest.raises(RecordsError, match="no hold"):
        holds.release(records, "none", who="x", why="y")


def test_expired_days_go_and_late_rows_for_them_are_not_taken_in(records: Records) -> None:
    fill(records)
    upkeep(records)
    before = figures.totals(records, **WHOLE, by=["customer"])
    assert ageing.expire(records, "calls", before_day=NOON // DAY + 1, who="clock") > 0
    assert figures.totals(records, **WHOLE, by=["customer"]) == before
    assert [row.key for row in records.calls(**WHOLE)] == [record_key(2)]
    records.append([call(7), call(8, start_us=NOON + DAY)])
    upkeep(records)
    assert {row.key for row in records.calls(**WHOLE)} == {record_key(2), record_key(8)}
    assert len(records.streams(**WHOLE, call_key=record_key(1))) == 1
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed


def test_a_customers_own_retention(records: Records) -> None:
    fill(records)
    ageing.expire_customer(records, "calls", tenant="t", customer="C-1", before_us=NOON + 1)
    assert {row.key for row in records.calls(**WHOLE)} == {record_key(2), record_key(3)}


def test_pseudonyms_keep_one_number_one_person_until_the_key_is_destroyed(records: Records) -> None:
    fill(records)
    upkeep(records)
    before = figures.totals(records, **WHOLE, by=["customer"])
    assert ageing.pseudonymise(records, before_day=NOON // DAY + 1, period="2026-09") > 0
    one = next(row for row in records.calls(**WHOLE) if row.key == record_key(1))
    (said,) = [row for row in records.client_reports(**WHOLE) if row.customer == "C-1"]
    assert one.caller == said.reporter
    assert str(one.caller).startswith("hidden:")
    assert one.call_id is None
    assert [row.key for row in search(records, **WHOLE, number=PERSON)] == [record_key(2)]
    assert figures.totals(records, **WHOLE, by=["customer"]) == before
    assert ageing.pseudonymise(records, before_day=NOON // DAY + 1, period="2026-09") == 0
    key = (records.path / "keys" / "2026-09.key").read_bytes()
    assert ageing.pseudonym(key, PERSON) == one.caller
    ageing.destroy_key(records, "2026-09")
    assert key not in bytes_on_disk(records)
    with pytest.raises(RecordsError, match="no key"):
        ageing.destroy_key(records, "2026-09")


SMALL_DISK = """
import resource, sys
from clearline.records.store import Records
from clearline.records.upkeep import upkeep
from clearline.records.errors import StoreFullError
from tests.records.make import call
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
records = Records(sys.argv[1])
records.append([call(n) for n in range(2000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
for act in (lambda: records.append([call(n) for n in range(5000, 9000)]), lambda: upkeep(records)):
    try:
        act()
    except StoreFullError as error:
        print("full", flush=True)
"""


def test_a_full_disk_is_a_plain_error_and_all_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "records"
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["full", "full"]
    records = Records(path)
    assert len(records.calls(**WHOLE)) == 2000
    upkeep(records)
    assert len(records.calls(**WHOLE)) == 2000
    assert check.check(records).problems == []


def test_a_person_is_erased_from_files_of_an_older_version_too(records: Records) -> None:
    assert records.manifest.live().files == []
    batch = to_batch(CALLS, [call(1, caller=f"sip:{PERSON}@a"), call(2)], 1)
    old = pa.Table.from_batches([batch]).drop_columns(["trunk", "video_mos_x100", "source_address", "attributed_by"])
    path = parquet.new_path("calls", NOON // DAY)
    file = parquet.write(records.path, path, old, parquet.footer("calls", NOON // DAY, 9))
    records.manifest.commit(add=[file], now_us=1)
    before = figures.totals(records, **WHOLE, by=["customer"])
    assert erasure.erase_person(records, tenant="t", number=PERSON, **WHO).rows == {"calls": 1}
    assert [row.caller for row in records.calls(**WHOLE)] == [None, call(2).caller]
    assert figures.totals(records, **WHOLE, by=["customer"]) == before
    ageing.pseudonymise(records, before_day=NOON // DAY + 1, period="2026-09")
    assert [(row.caller or "")[:7] for row in records.calls(**WHOLE)] == ["", "hidden:"]
    assert check.check(records).problems == []


def test_what_was_set_aside_is_erased_too_or_destroyed(records: Records) -> None:
    fill(records)
    upkeep(records)
    (day,) = (file for file in records.manifest.live(["calls"]).files if file.day == NOON // DAY)
    unlisted, damaged = records.path / "unlisted", records.path / "damaged"
    unlisted.mkdir()
    damaged.mkdir()
    (unlisted / "one.parquet").write_bytes((records.path / day.path).read_bytes())
    (unlisted / "torn.parquet").write_bytes((records.path / day.path).read_bytes()[:-9])
    (damaged / "segment.wal").write_bytes(PERSON.encode())
    done = erasure.erase_person(records, tenant="t", number=PERSON, **WHO)
    assert done.destroyed == ["damaged/segment.wal", "unlisted/torn.parquet"]
    callers = pq.read_table(unlisted / "one.parquet").column("caller").to_pylist()
    assert sorted(map(str, callers)) == sorted(["None", str(call(3).caller), PERSON])  # the other tenant's stays
    assert "destroyed" in records.manifest.documents("erasure")[0][2]
    assert erasure.erase_customer(records, tenant="t", customer="C-2", **WHO).destroyed == []
    assert pq.read_table(unlisted / "one.parquet").column("customer").to_pylist().count("C-2") == 0


def test_an_erased_customer_leaves_the_sums_of_expired_days_too(records: Records) -> None:
    fill(records)
    upkeep(records)
    ageing.expire(records, "calls", before_day=NOON // DAY + 1, who="dpo")
    assert {row["customer"] for row in figures.totals(records, **WHOLE, by=["customer"])} == {"C-1", "C-2"}
    erasure.erase_customer(records, tenant="t", customer="C-2", **WHO)
    assert {row["customer"] for row in figures.totals(records, **WHOLE, by=["customer"])} == {"C-1"}
    assert check.check(records).problems == []


def test_retention_is_applied_at_night_and_a_hold_against_it_is_an_alert(records: Records) -> None:
    today = records.now_us() // DAY
    for days in (50, 20, 5):
        records.append(
            [
                call(days, start_us=(today - days) * DAY),
                call((days, "C-2"), start_us=(today - days) * DAY, customer="C-2"),
            ]
        )
    upkeep(records)
    nightly.retain(records, "calls", 30, tenant="", customer=None, who="dpo")
    nightly.retain(records, "calls", 10, tenant="t", customer="C-2", who="dpo")
    nightly.retain(records, "numbers", 7, tenant="", customer=None, who="dpo")
    with pytest.raises(BadRecordError, match="only go earlier"):
        nightly.retain(records, "calls", 31, tenant="t", customer="C-1", who="dpo")
    name = holds.hold(records, tenant="t", customer=None, **WHO)
    assert len(nightly.nightly(records)) == 3
    assert "forbids it" in alerts.alerts(records)[0].text
    holds.release(records, name, **WHO)
    assert nightly.nightly(records) == []
    assert alerts.alerts(records) == []
    left = records.calls(tenant="t", since_us=0, until_us=(today + 1) * DAY)
    assert sorted(((today * DAY - row.start_us) // DAY, row.customer, (row.caller or "")[:7]) for row in left) == [
        (5, "C-1", "sip:+12"),
        (5, "C-2", "sip:+12"),
        (20, "C-1", "hidden:"),
    ]
    assert check.check(records).problems == []
