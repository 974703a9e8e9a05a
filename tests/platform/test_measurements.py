"""What is wrong with the measurements is seen on the dashboard, and the worker looks every night."""

import pytest
from django.test import Client

from clearline.platform.jobs.management.commands import work
from clearline.platform.measurements import records
from clearline.records import documents, nightly
from clearline.records.alerts import clear, raise_alert
from clearline.records.errors import StoreDamagedError

pytestmark = pytest.mark.django_db


def test_an_alert_of_the_measurements_is_on_the_dashboard_until_it_is_cleared(page: Client) -> None:
    raise_alert(records(), "a file is damaged", "one")
    assert "a file is damaged" in page.get("/").content.decode()
    clear(records(), "one")
    assert "a file is damaged" not in page.get("/").content.decode()


def test_a_failing_upkeep_is_an_alert_until_it_succeeds(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise StoreDamagedError("x.parquet cannot be read")

    with monkeypatch.context() as patched:
        patched.setattr("clearline.records.upkeep.upkeep", fails)
        work.keep_up()
    assert "x.parquet cannot be read" in page.get("/").content.decode()
    work.keep_up()
    assert "x.parquet" not in page.get("/").content.decode()


def test_the_worker_compares_roll_ups_with_rows_once_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "HOUR", 0)
    records().manifest.live()
    work.keep_nights()
    (first,) = documents.listed(records().manifest, nightly.DONE).values()
    assert first["problems"] == []
    work.keep_nights()
    assert list(documents.listed(records().manifest, nightly.DONE).values()) == [first]
