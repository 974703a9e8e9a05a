from datetime import datetime, timedelta

import pytest
from django.test import Client
from platform_kit import NOW

from clearline.platform.accounts.models import User
from clearline.platform.audit.models import Event
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.maintenance.planning import cancel, plan
from clearline.platform.maintenance.services import is_allowed, save_exclusion, verdicts

pytestmark = pytest.mark.django_db


def window(service: Service, alice: User, announced_at: datetime) -> Window:
    begins = NOW + timedelta(days=2)
    made = Window(
        title="Upgrade", from_at=begins, until_at=begins + timedelta(hours=1), announced_at=announced_at, notice="mail"
    )
    plan(made, [service], alice, NOW)
    return made


@pytest.mark.parametrize(("late", "counts"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_a_window_counts_if_announced_48_hours_ahead(
    service: Service, alice: User, late: timedelta, *, counts: bool
) -> None:
    (verdict,) = verdicts(window(service, alice, NOW + late), [service])
    assert verdict.counts is counts
    assert ("1 s too late" in verdict.reason) is not counts


def test_a_cancelled_window_takes_nothing_out(service: Service, alice: User) -> None:
    made = window(service, alice, NOW)
    for _ in range(2):
        cancel(made, alice, NOW)
    made.refresh_from_db()
    assert not verdicts(made, [service])[0].counts
    assert Event.objects.filter(action="maintenance.cancelled").count() == 1


def test_an_exclusion_counts_only_for_a_cause_the_agreement_lists(service: Service, alice: User) -> None:
    exclusion = Exclusion(service=service, from_at=NOW, until_at=NOW + timedelta(hours=1), cause="customer", reason="x")
    save_exclusion(exclusion, alice, NOW)
    assert exclusion.approved_by == alice
    assert not is_allowed(exclusion)
    version = service.agreement.versions.get()
    version.text = version.text.replace("exclusions: []", "exclusions: [customer]")
    version.save()
    exclusion = Exclusion.objects.get()
    assert is_allowed(exclusion)


def test_the_page_says_at_once_that_it_is_too_late(service: Service, page: Client) -> None:
    sent = {
        "title": "Upgrade",
        "from_at": "2026-01-03T01:00",
        "until_at": "2026-01-03T02:00",
        "announced_at": "2026-01-02T12:00",
        "notice": "mail",
        "services": [service.pk],
    }
    answer = page.post("/maintenance/add/", sent, follow=True).content.decode()
    assert "Announced 1 d 11 h too late" in answer


def test_a_window_that_ends_before_it_begins_is_refused(service: Service, page: Client) -> None:
    sent = {"service": service.pk, "from_at": "2026-01-03T01:00", "until_at": "2026-01-03T01:00", "cause": "customer"}
    answer = page.post("/maintenance/exclude/", sent | {"reason": "x"})
    assert answer.status_code == 422
    assert "must end after it begins" in answer.content.decode()
