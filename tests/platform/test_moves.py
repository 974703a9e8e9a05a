"""A window, or a series, at another time: who is told, what is approved anew, and what then counts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from mail_kit import Inbox
from notices_kit import DAY, HOUR, deliver, planned, read_back, verdict
from platform_kit import NOW

from clearline.platform.accounts.models import User
from clearline.platform.audit.models import Event
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance import planning
from clearline.platform.maintenance.models import Notice, Window

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def told(window: Window) -> list[str]:
    return [notice.kind for notice in window.notices.all()]


def test_whoever_was_told_is_told_the_new_time_under_the_same_name(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    window = planned(service, alice)
    deliver()
    planning.move(window, NOW + 9 * DAY, NOW + 9 * DAY + HOUR, alice, NOW + DAY)
    deliver(NOW + DAY)
    assert told(window) == ["announced", "moved"]
    first, moved = read_back(inbox)
    assert (moved.uid, moved.maintenance_id) == (first.uid, first.maintenance_id)
    assert (first.sequence, moved.sequence) == (0, 1)
    assert (moved.start, moved.end) == tuple(
        int((NOW + 9 * DAY + length).timestamp()) for length in (timedelta(0), HOUR)
    )
    assert moved.status == "CONFIRMED"
    text = inbox.messages()[-1].get_body(("plain",)).get_content()
    assert "It was announced for Fri 23 Oct 2026, 12:00 to Fri 23 Oct 2026, 14:00 UTC before." in text
    assert Event.objects.filter(action="maintenance.moved", actor=alice).exists()


def test_a_move_that_is_told_too_late_makes_it_downtime_but_for_what_was_announced_before(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    """Two days are needed. Announced for 12:00 to 14:00 in three days; moved a day before, to 13:00 to 15:00."""
    window = planned(service, alice)
    deliver()
    at = NOW + 2 * DAY
    planning.move(window, window.from_at + HOUR, window.until_at + HOUR, alice, at)
    deliver(at)
    assert verdict(window, service) == (
        False,
        "Announced in time until 23 Oct, 14:00 UTC; what fails after that counts as downtime.",
    )
    planning.move(window, window.from_at + 5 * HOUR, window.until_at + 5 * HOUR, alice, at)
    deliver(at)
    counts, reason = verdict(window, service)
    assert not counts
    assert reason.startswith("Announced")
    assert "too late" in reason


def test_a_move_is_approved_by_a_second_person_before_anybody_is_told(
    service: Service, acme: Customer, alice: User, bob: User, inbox: Inbox
) -> None:
    window = planned(service, alice)
    planning.approve(window, bob, NOW)
    planning.move(window, NOW + 9 * DAY, NOW + 9 * DAY + HOUR, bob, NOW + DAY)
    assert told(window) == ["announced"]
    assert not verdict(window, service)[0]
    with pytest.raises(planning.NotNowError, match="second person"):
        planning.start(window, alice, NOW + DAY)
    with pytest.raises(planning.NotNowError):
        planning.approve(Window.objects.get(), bob, NOW + DAY)
    planning.approve(Window.objects.get(), alice, NOW + DAY)
    assert told(window) == ["announced", "moved"]
    deliver(NOW + DAY)
    assert verdict(window, service)[0]


def test_a_window_nobody_was_told_of_yet_is_moved_silently_with_its_announcement(
    service: Service, acme: Customer, alice: User
) -> None:
    window = planned(service, alice, begins=NOW + 20 * DAY, announce_at=NOW + 13 * DAY)
    planning.move(window, NOW + 22 * DAY, NOW + 22 * DAY + HOUR, alice, NOW)
    found = Window.objects.get()
    assert (found.announce_at, told(found)) == (NOW + 15 * DAY, [])
    planning.move(window, NOW + 3 * DAY, NOW + 3 * DAY + HOUR, alice, NOW)
    assert told(found) == ["announced"]


def test_what_was_announced_by_other_means_is_announced_from_here_for_its_new_time(
    service: Service, acme: Customer, alice: User
) -> None:
    window = planned(service, alice, announced_at=NOW - DAY, notice="By letter.")
    assert verdict(window, service)[0]
    planning.move(window, window.from_at + DAY, window.until_at + DAY, alice, NOW)
    assert told(window) == ["announced"]
    assert not verdict(window, service)[0]


def test_customers_are_reminded_of_the_new_time_too(service: Service, acme: Customer, alice: User) -> None:
    window = planned(service, alice)
    planning.tell_due(lambda: NOW + 2 * DAY + HOUR)
    planning.move(window, NOW + 9 * DAY, NOW + 9 * DAY + HOUR, alice, NOW + 2 * DAY + 2 * HOUR)
    for _ in range(2):
        planning.tell_due(lambda: NOW + 8 * DAY + HOUR)
    assert told(window) == ["announced", "reminder", "moved", "reminder"]


def test_a_move_that_is_taken_back_before_anybody_heard_of_it_is_told_to_nobody(
    service: Service, acme: Customer, alice: User, bob: User
) -> None:
    window = planned(service, alice)
    planning.approve(window, bob, NOW)
    times = window.from_at, window.until_at
    planning.move(window, times[0] + DAY, times[1] + DAY, alice, NOW)
    planning.move(window, *times, alice, NOW)
    planning.approve(window, bob, NOW)
    assert told(window) == ["announced"]
    assert Window.objects.get().announce_at is None


def test_a_move_that_is_cancelled_before_anybody_heard_of_it_is_cancelled_for_the_time_they_were_told(
    service: Service, acme: Customer, alice: User, bob: User, inbox: Inbox
) -> None:
    window = planned(service, alice)
    planning.approve(window, bob, NOW)
    times = window.from_at, window.until_at
    planning.move(window, times[0] + DAY, times[1] + DAY, alice, NOW)
    planning.cancel(window, alice, NOW)
    deliver()
    assert [(one.status, one.start, one.end) for one in read_back(inbox)] == [
        (status, *(int(moment.timestamp()) for moment in times)) for status in ("CONFIRMED", "CANCELLED")
    ]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (timedelta(0), "these times already"),
        (-30 * DAY, "would begin before now"),
    ],
)
def test_a_move_to_nowhere_is_refused(service: Service, alice: User, after: timedelta, says: str) -> None:
    window = planned(service, alice)
    with pytest.raises(planning.NotNowError, match=says):
        planning.move(window, window.from_at + after, window.until_at + after, alice, NOW)


def test_what_has_begun_or_is_over_or_past_is_not_moved(service: Service, acme: Customer, alice: User) -> None:
    window = planned(service, alice)
    times = window.from_at + 30 * DAY, window.until_at + 30 * DAY
    with pytest.raises(planning.NotNowError, match="past"):
        planning.move(window, *times, alice, NOW + 20 * DAY)
    planning.start(window, alice, window.from_at)
    with pytest.raises(planning.NotNowError, match="begun"):
        planning.move(window, *times, alice, window.from_at)
    planning.complete(window, alice, window.until_at)
    with pytest.raises(planning.NotNowError, match="over"):
        planning.move(window, *times, alice, window.until_at)


@pytest.fixture
def series(service: Service, acme: Customer, alice: User) -> list[Window]:
    """Four Sunday nights at 02:00 in Berlin, 18 October (past), 25 October (the clocks go back), 1 and 8 November."""
    starts = [datetime(2026, 10, 18, 2, tzinfo=BERLIN) + timedelta(days=7 * week) for week in range(4)]
    first = starts[0].astimezone(UTC)
    window = Window(title="Patch night", zone="Europe/Berlin", from_at=first, until_at=first + HOUR, rule="FREQ=WEEKLY")
    before = NOW - 10 * DAY
    starts = [start.replace(tzinfo=None).replace(tzinfo=BERLIN).astimezone(UTC) for start in starts]
    return planning.plan_series(window, starts, 30 * DAY, [service], alice, before)


def test_the_later_ones_of_a_series_move_by_as_much_on_the_wall_clock(series: list[Window], alice: User) -> None:
    second = series[1]
    start = datetime(2026, 10, 26, 4, 30, tzinfo=BERLIN).astimezone(UTC)
    planning.move(second, start, start + 3 * HOUR, alice, NOW, later=True)
    found = [window.from_at.astimezone(BERLIN) for window in Window.objects.order_by("from_at")]
    assert [f"{each:%d %b %H:%M}" for each in found] == ["18 Oct 02:00", "26 Oct 04:30", "02 Nov 04:30", "09 Nov 04:30"]
    assert [window.length for window in Window.objects.order_by("from_at")] == [HOUR, *[3 * HOUR] * 3]
    assert [told(window) for window in series] == [["announced"], *[["announced", "moved"]] * 3]


def test_nobody_approves_their_own_move_with_a_colleagues_of_the_same_series(
    series: list[Window], alice: User, bob: User
) -> None:
    for window, who in ((series[1], alice), (series[2], bob)):
        planning.move(window, window.from_at + HOUR, window.until_at + HOUR, who, NOW)
    planning.approve(Window.objects.get(pk=series[2].pk), alice, NOW)
    assert told(series[1]) == ["announced"]
    assert told(series[2]) == ["announced", "moved"]
    planning.approve(Window.objects.get(pk=series[1].pk), bob, NOW)
    assert told(series[1]) == ["announced", "moved"]


def test_nothing_is_moved_when_one_of_the_series_cannot_be(series: list[Window], alice: User) -> None:
    with pytest.raises(planning.NotNowError, match=f"{series[2].code} would begin before now"):
        planning.move(series[2], series[2].from_at - 25 * DAY, series[2].until_at - 25 * DAY, alice, NOW, later=True)
    assert [window.from_at for window in Window.objects.order_by("from_at")] == [one.from_at for one in series]


def test_the_later_ones_of_a_series_are_cancelled_and_those_who_were_told_hear_it(
    series: list[Window], alice: User
) -> None:
    planning.start(series[3], alice, NOW)
    planning.cancel(series[1], alice, NOW, later=True)
    found = {window.pk: window.cancelled_at for window in Window.objects.all()}
    assert [found[window.pk] for window in series] == [None, NOW, NOW, None]
    assert told(series[2]) == ["announced", "cancelled"]
    assert Notice.objects.filter(kind="cancelled").count() == 2


def test_windows_are_moved_and_cancelled_on_their_pages(service: Service, acme: Customer, page: Client) -> None:
    begins = timezone.now() + 9 * DAY
    given = {
        "title": "Patch night", "zone": "Europe/Berlin", "from_at": f"{begins:%Y-%m-%d}T02:00",
        "until_at": f"{begins:%Y-%m-%d}T03:00", "services": [service.pk], "rule": "FREQ=WEEKLY;COUNT=3",
        "lead_days": 20,
    }  # fmt: skip
    page.post("/maintenance/add/", given)
    first, second, third = Window.objects.order_by("from_at")
    assert f'value="{begins:%Y-%m-%d}T02:00' in page.get(f"/maintenance/{first.pk}/move/").content.decode()
    day = f"{second.from_at:%Y-%m-%d}"
    wrong = {"from_at": f"{day}T05:00", "until_at": f"{day}T04:00"}
    assert "It must end after it begins" in page.post(f"/maintenance/{second.pk}/move/", wrong).content.decode()
    assert (
        "before now"
        in page.post(
            f"/maintenance/{second.pk}/move/", {"from_at": "2020-01-01T00:00", "until_at": "2020-01-01T01:00"}
        ).content.decode()
    )
    answer = page.post(
        f"/maintenance/{second.pk}/move/",
        {"from_at": f"{day}T04:00", "until_at": f"{day}T06:00", "later": "on"},
        follow=True,
    )
    assert "New time" in answer.content.decode()
    for window, hour in ((first, 2), (second, 4), (third, 4)):
        window.refresh_from_db()
        assert window.from_at.astimezone(BERLIN).hour == hour
    assert "Cancel it and the 1 later" in page.get(f"/maintenance/{second.pk}/").content.decode()
    page.post(f"/maintenance/{second.pk}/cancel/", {"later": "1"})
    assert Window.objects.filter(cancelled_at=None).get() == first
