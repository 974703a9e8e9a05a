"""A full disk, a read-only disk, a damaged file: a plain error, an alert, and recovery with nothing lost."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.records.make import DAY, NOON, call

from clearline.records import check, figures
from clearline.records.alerts import alerts, clear, raise_alert
from clearline.records.errors import RecordsError, StoreDamagedError, StoreFullError, StoreReadOnlyError
from clearline.records.nightly import nightly
from clearline.records.store import Records
from clearline.records.upkeep import keep_up

WHOLE = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 9 * DAY}


def texts(records: Records) -> list[str]:
    return [alert.text for alert in alerts(records)]


def fill(path: Path) -> None:
    """Write until there is no room."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", path], check=False, capture_output=True)
    if made.returncode:
        pytest.skip("mounting needs root")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_refuses_is_an_alert_and_takes_in_again_once_there_is_room(disk: Path) -> None:
    records = Records(disk / "records")
    records.append([call(n, start_us=NOON + n * DAY) for n in range(3)])
    keep_up(records)
    records.append([call(n, start_us=NOON + n * DAY) for n in range(3, 6)])
    filler = disk / "filler"
    fill(filler)
    with pytest.raises(StoreFullError, match="free some space"):
        records.append([call(6)] * 500)
    with pytest.raises(RecordsError, match=r"full|no space|No space"):
        keep_up(records)
    assert "0 MiB are free" in texts(records)[0]
    filler.unlink()
    records.append([call(6, start_us=NOON)])
    keep_up(records)
    assert [row.key for row in records.calls(**WHOLE)] == [
        row.key
        for row in sorted([call(n, start_us=NOON + n % 6 * DAY) for n in range(7)], key=lambda r: (r.start_us, r.key))
    ]
    report = check.check(records)
    assert report.problems == []
    assert not any("upkeep" in text for text in texts(records))
    records.close()


def test_a_read_only_disk_is_told_and_works_again(disk: Path) -> None:
    records = Records(disk / "records")
    records.append([call(1)])
    records.close()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    again = Records(disk / "records")
    with pytest.raises(StoreReadOnlyError, match="writable"):
        again.append([call(2)])
    with pytest.raises(StoreReadOnlyError, match="writable"):
        keep_up(again)
    assert "cannot be written" in texts(again)[0]
    again.close()
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    after = Records(disk / "records")
    after.append([call(2)])
    keep_up(after)
    assert len(after.calls(**WHOLE)) == 2
    assert not any("writ" in text for text in texts(after))
    after.close()


def test_a_damaged_file_is_named_others_are_answered_and_a_copy_of_it_heals(tmp_path: Path) -> None:
    records = Records(tmp_path / "records")
    today = records.now_us() // DAY * DAY
    records.append([call(1, start_us=today - DAY), call(2, start_us=today - 2 * DAY)])
    keep_up(records)
    bad = next(file for file in records.manifest.live(["calls"]).files if file.day == today // DAY - 1)
    content = (records.path / bad.path).read_bytes()
    (records.path / bad.path).write_bytes(content[: len(content) // 2])
    asked = Records(records.path)
    with pytest.raises(StoreDamagedError, match="records check"):
        asked.calls(tenant="t", since_us=today - DAY, until_us=today)
    assert len(asked.calls(tenant="t", since_us=today - 2 * DAY, until_us=today - DAY)) == 1
    whole = {"tenant": "t", "since_us": today - 2 * DAY, "until_us": today}
    assert figures.totals(asked, **whole)[0]["attempts"] == 2, "roll-ups answer without the rows"
    (problem,) = check.check(asked).problems
    assert bad.path in problem
    assert nightly(asked)
    assert "cannot be compared" in texts(asked)[0]
    asked.append([call(3, start_us=today - DAY)])
    with pytest.raises(StoreDamagedError):
        keep_up(asked)
    assert any("upkeep" in text for text in texts(asked))
    (records.path / bad.path).write_bytes(content)
    healed = Records(records.path)
    keep_up(healed)
    assert nightly(healed) == []
    assert texts(healed) == []
    assert len(healed.calls(**whole)) == 3


def test_an_alert_stays_until_it_is_cleared(tmp_path: Path) -> None:
    records = Records(tmp_path / "records")
    raise_alert(records, "look at this", "one")
    assert texts(records) == ["look at this"]
    clear(records, "one")
    assert texts(records) == []
    with pytest.raises(RecordsError, match="no alert"):
        clear(records, "one")
