"""Who would do the same at once, on a real PostgreSQL; `test_on_postgresql` runs this file there."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from platform_kit import NOW

from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.models import Event
from clearline.platform.audit.services import first_break, record
from clearline.platform.calls.models import Upload
from clearline.platform.customers.models import Service
from clearline.platform.jobs.lease import claim

RIVALS = 4
LEASE = timedelta(seconds=60)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[int], None]) -> None:
    together = threading.Barrier(RIVALS)

    def one(number: int) -> None:
        together.wait()
        try:
            act(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(RIVALS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_this_is_postgresql() -> None:
    assert connection.vendor == "postgresql"
    assert settings.DATABASES["default"]["OPTIONS"] == {"application_name": "clearline"}


def test_of_workers_that_want_the_same_row_one_has_it(service: Service, alice: User) -> None:
    for number in range(RIVALS * 3):
        Upload.objects.create(
            service=service, sha256=str(number), size_bytes=1, uploaded_at=NOW, uploaded_by=alice, due_at=NOW
        )
    claimed: list[int] = []

    def work(number: int) -> None:
        while row := claim(Upload, str(number), NOW, LEASE):
            claimed.append(row.pk)

    at_once(work)
    assert len(claimed) == len(set(claimed)) == RIVALS * 3


def test_events_written_at_once_make_one_chain(provider: Provider) -> None:
    def write(number: int) -> None:
        for _ in range(5):
            record(provider, None, "customer.added", str(number), {}, now=NOW)

    at_once(write)
    assert Event.objects.count() == RIVALS * 5
    assert first_break(provider) is None
