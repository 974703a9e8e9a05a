"""From a planned window to what the customers' mail servers took, and what that makes of the month."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from mail_kit import Inbox
from notices_kit import DAY, HOUR, deliver, planned, read_back, verdict
from platform_kit import NOW, samples

from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.audit.models import Event
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Contact, Customer, Service
from clearline.platform.customers.services import add_contact
from clearline.platform.desk.models import Request
from clearline.platform.maintenance import planning
from clearline.platform.maintenance.announcing import Piece, Told, pieces
from clearline.platform.maintenance.effect import worst_costs
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.maintenance.recurrence import HORIZON, MOST_WINDOWS, RuleError, occurrences
from clearline.platform.maintenance.services import verdicts
from clearline.platform.maintenance.wall import wall_times
from clearline.platform.measurements import records
from clearline.platform.outbox.models import Delivery
from clearline.platform.statements.evidence import collect_evidence

pytestmark = pytest.mark.django_db


def test_nobody_is_told_before_a_second_person_approved(
    service: Service, acme: Customer, alice: User, bob: User, inbox: Inbox
) -> None:
    window = planned(service, alice)
    assert verdict(window, service)[1].startswith(
        "It waits for a second person's approval. To count, its notice must be"
    )
    with pytest.raises(planning.NotNowError):
        planning.approve(window, alice, NOW)
    assert not Delivery.objects.exists()
    planning.approve(window, bob, NOW)
    deliver()
    assert len(inbox.to("it@acme.example")) == 1
    assert Event.objects.filter(action="maintenance.approved", actor=bob).exists()
    with pytest.raises(planning.NotNowError):
        planning.approve(Window.objects.get(), bob, NOW)


def test_a_window_is_announced_when_the_customers_side_accepted_the_notice(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    inbox.says["it@acme.example"] = "451 4.7.1 greylisted"
    window = planned(service, alice, begins=NOW + 2 * DAY + HOUR)
    deliver()
    assert verdict(window, service) == (
        False,
        "The notice is on its way and was not accepted yet. What fails in it counts as downtime until it is.",
    )
    inbox.says.clear()
    deliver(NOW + HOUR + timedelta(microseconds=1))
    assert verdict(window, service) == (False, "Announced 1 s too late: what fails in it counts as downtime.")


def test_accepted_in_time_it_counts_and_the_evidence_says_when(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    window = planned(service, alice, begins=NOW + 2 * DAY + HOUR)
    deliver(NOW + HOUR)
    assert verdict(window, service) == (True, "Announced in time: it is left out of the month.")
    version = service.agreement.versions.get()
    (told,) = collect_evidence(service, version, Month(2026, 10), NOW + DAY)["availability"]["maintenance"]
    assert told == {
        "id": window.code,
        "from": "2026-10-22T13:00:00Z",
        "until": "2026-10-22T15:00:00Z",
        "announced_at": "2026-10-20T13:00:00Z",
    }


def test_one_contact_that_accepts_is_enough(service: Service, acme: Customer, alice: User, inbox: Inbox) -> None:
    add_contact(Contact(customer=acme, address="noc@acme.example"), alice, NOW)
    inbox.says["it@acme.example"] = "550 5.1.1 no such user"
    window = planned(service, alice)
    deliver()
    assert verdict(window, service)[0]
    assert {each.recipient: each.state for each in Delivery.objects.all()} == {
        "it@acme.example": "bounced",
        "noc@acme.example": "accepted",
    }


def test_bounced_notices_make_it_downtime_and_the_page_says_what_it_costs(
    service: Service, acme: Customer, alice: User, inbox: Inbox, page: Client
) -> None:
    inbox.says["it@acme.example"] = "550 5.1.1 no such user"
    now = timezone.now()
    window = planned(service, alice, begins=now + 5 * DAY, now=now)
    deliver(now)
    text = page.get(f"/maintenance/{window.pk}/").content.decode()
    assert "No notice arrived: each bounced or failed. What fails in it counts as downtime." in text
    assert "550 5.1.1 no such user" in text
    assert "it costs at most <strong>100.00 USD</strong>" in text


def test_without_a_contact_nobody_can_be_told(service: Service, alice: User) -> None:
    window = planned(service, alice)
    assert verdict(window, service)[1] == "There is no contact to tell. What fails in it counts as downtime."


def test_each_customer_is_told_of_its_own_services_only(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    other = Customer.objects.create(
        provider=alice.provider, name="Globex", contact="ops@globex.example", created_at=NOW
    )
    theirs = Service.objects.get(pk=service.pk)
    theirs.pk, theirs.customer, theirs.name = None, other, "Trunk"
    theirs.save()
    window = Window(title="Core upgrade", from_at=NOW + 3 * DAY, until_at=NOW + 3 * DAY + HOUR)
    planning.plan(window, [service, theirs], alice, NOW)
    deliver()
    (to_acme,) = inbox.to("it@acme.example")
    assert "Hosted voice" in str(to_acme)
    assert "Trunk" not in str(to_acme)
    assert "Globex" not in str(to_acme)
    assert len(inbox.to("ops@globex.example")) == 1


def test_the_life_of_a_window_is_read_back_by_the_parser_carriers_customers_use(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    begins = NOW + 3 * DAY
    window = planned(service, alice, begins, notice="We replace a border controller.\nCalls in progress drop.")
    planning.tell_due(lambda: begins - HOUR)
    planning.tell_due(lambda: begins - HOUR)
    planning.start(window, alice, begins)
    planning.extend(window, begins + 4 * HOUR, alice, begins + HOUR)
    planning.complete(window, alice, begins + 3 * HOUR)
    deliver(begins + 4 * HOUR)
    found = read_back(inbox)
    assert [(each.status.value, each.sequence, each.end - each.start) for each in found] == [
        ("CONFIRMED", 0, 7200),
        ("CONFIRMED", 1, 7200),
        ("IN-PROCESS", 2, 7200),
        ("IN-PROCESS", 3, 14400),
        ("COMPLETED", 4, 14400),
    ]
    uid = Window.objects.get().uid
    for each in found:
        assert (each.uid, each.provider, each.account, each.maintenance_id) == (
            uid, "nw.example", acme.code, window.code,
        )  # fmt: skip
        assert each.start == int(begins.timestamp())
        assert [(circuit.circuit_id, circuit.impact.value) for circuit in each.circuits] == [(service.code, "OUTAGE")]
        assert each.summary == "Core upgrade"
        assert each.organizer == "mailto:noc@nw.example"


def test_a_cancelled_window_is_cancelled_in_the_customers_calendar(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    window = planned(service, alice)
    planning.cancel(window, alice, NOW + HOUR)
    planning.cancel(window, alice, NOW + HOUR)
    deliver(NOW + HOUR)
    first, last = read_back(inbox)
    assert (last.status.value, last.sequence, last.uid) == ("CANCELLED", 1, first.uid)
    calendar = list(inbox.messages()[1].iter_parts())[1]
    assert calendar.get_param("method") == "CANCEL"
    assert verdict(window, service) == (False, "It was cancelled.")
    for deed in (planning.start, planning.complete):
        with pytest.raises(planning.NotNowError, match="over"):
            deed(window, alice, NOW + HOUR)


def test_a_webhook_tells_the_same(service: Service, alice: User) -> None:
    contact = Contact(customer=service.customer, channel="webhook", address="https://hooks.acme.example/noc")
    secret = add_contact(contact, alice, NOW)
    assert secret.startswith("whsec_")
    assert secret not in contact.sealed_secret
    window = planned(service, alice)
    delivery = Delivery.objects.get(channel="webhook")
    document = json.loads(delivery.body)
    assert document["type"] == "maintenance.announced"
    assert document["data"] | {"uid": ""} == {
        "id": window.code, "uid": "", "sequence": 0, "status": "CONFIRMED", "title": "Core upgrade", "impact": "OUTAGE",
        "from": "2026-10-23T12:00:00Z", "until": "2026-10-23T14:00:00Z", "account": service.customer.code,
        "services": [{"id": service.code, "name": "Hosted voice"}], "text": "",
    }  # fmt: skip


def test_time_added_late_is_downtime_and_the_rest_stays(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    begins = NOW + 3 * DAY
    window = planned(service, alice, begins)
    deliver()
    planning.start(window, alice, begins)
    planning.extend(window, begins + 3 * HOUR, alice, begins + HOUR)
    deliver(begins + HOUR)
    assert verdict(window, service) == (
        False,
        "Announced in time until 23 Oct, 14:00 UTC; what fails after that counts as downtime.",
    )
    version = service.agreement.versions.get()
    found = collect_evidence(service, version, Month(2026, 10), begins + 4 * HOUR)["availability"]["maintenance"]
    assert [(one["id"], one["from"], one["announced_at"]) for one in found] == [
        (window.code, "2026-10-23T12:00:00Z", "2026-10-20T12:00:00Z"),
        (f"{window.code}.1", "2026-10-23T14:00:00Z", "2026-10-23T13:00:00Z"),
    ]


def test_once_completed_what_fails_is_downtime_again(
    service: Service, acme: Customer, alice: User, inbox: Inbox
) -> None:
    begins = NOW + 3 * DAY
    window = planned(service, alice, begins)
    deliver()
    planning.start(window, alice, begins)
    planning.complete(window, alice, begins + HOUR)
    version = service.agreement.versions.get()
    (found,) = collect_evidence(service, version, Month(2026, 10), begins + 4 * HOUR)["availability"]["maintenance"]
    assert found["until"] == "2026-10-23T13:00:00Z"


def test_what_it_costs_is_the_difference_of_two_judgements(
    service: Service, acme: Customer, alice: User, target: Target
) -> None:
    """From now on 276 h of October are assumed to be seen.

    2 h down is 99.276 %, one started percent below 99.9: 10 % of 1000 USD. 9 h are 96.741 %, four.
    """
    records().append(samples(target, NOW - timedelta(minutes=5), "+" * 20))
    (cost,) = worst_costs(planned(service, alice), [service], NOW)
    assert str(cost.amount) == "100.00 USD"
    long = Window(title="x", from_at=NOW + 3 * DAY, until_at=NOW + 3 * DAY + 9 * HOUR)
    planning.plan(long, [service], alice, NOW)
    (cost,) = worst_costs(long, [service], NOW)
    assert str(cost.amount) == "400.00 USD"


def test_a_request_that_waits_now_does_not_hide_what_a_window_costs(
    service: Service, alice: User, target: Target
) -> None:
    """Unanswered until the month's end it would credit the whole fee, and nothing could cost more."""
    Request.objects.create(service=service, subject="x", received_at=NOW - HOUR, entered_at=NOW)
    records().append(samples(target, NOW - timedelta(minutes=5), "+" * 20))
    (cost,) = worst_costs(planned(service, alice), [service], NOW)
    assert str(cost.amount) == "100.00 USD"


def test_a_recurring_window_is_announced_piece_by_piece(
    service: Service, acme: Customer, alice: User, bob: User, inbox: Inbox
) -> None:
    window = Window(
        title="Patch night", from_at=NOW + 3 * DAY, until_at=NOW + 3 * DAY + HOUR, rule="FREQ=WEEKLY;COUNT=3"
    )
    starts = occurrences(window.rule, window.from_at, ZoneInfo("UTC"))
    series = planning.plan_series(window, starts, 7 * DAY, [service], alice, NOW)
    planning.approve(series[0], bob, NOW)
    deliver()
    assert [message["Subject"] for message in inbox.messages()] == [
        f"Announcement: Patch night ({series[0].code})",
    ]
    planning.tell_due(lambda: NOW + 3 * DAY - HOUR)
    assert Notice.objects.filter(window=series[1]).count() == 0
    planning.tell_due(lambda: NOW + 3 * DAY)
    assert Notice.objects.get(window=series[1]).kind == "announced"
    assert len({one.uid for one in Window.objects.all()}) == 3
    (waiting,) = verdicts(Window.objects.get(pk=series[2].pk), [service])
    assert (waiting.counts, waiting.pending) == (False, True)


def test_a_rule_keeps_the_wall_time_over_a_dst_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 18, 2, 30, tzinfo=berlin).astimezone(UTC)
    found = occurrences("FREQ=WEEKLY;COUNT=3", first, berlin)
    # 25 October: 02:30 comes twice, and the first (still summer time) is meant
    assert [f"{start:%d %H:%M}" for start in found] == ["18 00:30", "25 00:30", "01 01:30"]
    spring = datetime(2027, 3, 21, 2, 30, tzinfo=berlin).astimezone(UTC)
    # 28 March: 02:30 does not exist; it is 03:30 summer time
    assert [f"{start:%d %H:%M}" for start in occurrences("FREQ=WEEKLY;COUNT=2", spring, berlin)] == [
        "21 01:30",
        "28 01:30",
    ]


def test_the_first_sunday_of_each_month() -> None:
    found = occurrences("RRULE:FREQ=MONTHLY;BYDAY=1SU", datetime(2026, 11, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
    assert len(found) == 12
    assert all(start.weekday() == 6 and start.day <= 7 for start in found)


@pytest.mark.parametrize(
    "rule",
    [
        "", "FREQ=SECONDLY", "FREQ=HOURLY", "INTERVAL=2", "FREQ=DAILY;BYSETPOS=2", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;FREQ=WEEKLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;COUNT=1000", "FREQ=WEEKLY;UNTIL=20261399", "FREQ=WEEKLY;COUNT=2;UNTIL=1\n2", "x" * 300,
        "FREQ=YEARLY;BYMONTH=13", "FREQ=WEEKLY;BYDAY=MO",
    ],
)  # fmt: skip
def test_a_rule_that_is_none_or_without_end_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        occurrences(rule, NOW, ZoneInfo("UTC"))  # a Tuesday


@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 20),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
)
def test_expansion_is_bounded_and_ascends(frequency: str, interval: int, zone: str) -> None:
    found = occurrences(f"FREQ={frequency};INTERVAL={interval}", NOW, ZoneInfo(zone))
    assert found[0] == NOW
    assert len(found) <= MOST_WINDOWS
    assert all(earlier < later for earlier, later in pairwise(found))
    assert found[-1] <= NOW + HORIZON + DAY


def test_a_night_when_clocks_change_is_shown_in_both_zones_with_offsets() -> None:
    utc, berlin = wall_times(
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC), ["UTC", "Europe/Berlin"]
    )
    assert (utc.begins, utc.clocks_change) == ("Sun 25 Oct 2026, 00:30", False)
    assert (berlin.begins, berlin.ends) == (
        "Sun 25 Oct 2026, 02:30 CEST (UTC+02:00)",
        "Sun 25 Oct 2026, 03:30 CET (UTC+01:00)",
    )
    assert berlin.clocks_change


def at(hour: int) -> datetime:
    return NOW + hour * HOUR


def test_a_window_moved_away_and_back_is_announced_anew() -> None:
    told = [Told(at(10), at(12), at(0)), Told(at(20), at(22), at(1)), Told(at(10), at(12), at(2))]
    assert pieces(at(10), at(12), told) == [Piece(at(10), at(12), at(2))]
    assert pieces(at(10), at(12), [*told[:1], Told(at(10), at(12), at(1), cancels=True)]) == [
        Piece(at(10), at(12), None)
    ]
    assert pieces(at(10), at(12), []) == [Piece(at(10), at(12), None)]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10), st.none() | st.integers(-50, 0)), max_size=6))
def test_pieces_make_up_the_window_and_none_is_announced_before_a_notice_of_it(
    notices: list[tuple[int, int, int | None]],
) -> None:
    told = [Told(at(begins), at(begins + hours), None if when is None else at(when)) for begins, hours, when in notices]
    found = pieces(at(5), at(15), told)
    assert found[0].from_at == at(5)
    assert found[-1].until_at == at(15)
    assert all(one.until_at == next_.from_at for one, next_ in pairwise(found))
    for piece in found:
        covering = [
            one.accepted_at
            for one in told
            if one.accepted_at and one.from_at <= piece.from_at and piece.until_at <= one.until_at
        ]
        assert piece.announced_at is None or piece.announced_at in covering


def sent(service: Service, **more: Any) -> dict[str, Any]:
    begins = timezone.now() + 5 * DAY
    return {
        "title": "Core upgrade",
        "zone": "Europe/Berlin",
        "from_at": f"{begins:%Y-%m-%d}T02:00",
        "until_at": f"{begins:%Y-%m-%d}T04:00",
        "services": [service.pk],
    } | more


def test_a_window_is_planned_on_the_clocks_of_a_zone(service: Service, acme: Customer, page: Client) -> None:
    answer = page.post("/maintenance/add/", sent(service), follow=True)
    window = Window.objects.get()
    assert window.from_at.astimezone(ZoneInfo("Europe/Berlin")).hour == 2
    text = answer.content.decode()
    assert "Europe/Berlin" in text
    assert "The notice is on its way" in text


def test_a_rule_makes_windows(service: Service, acme: Customer, page: Client) -> None:
    page.post("/maintenance/add/", sent(service, rule="FREQ=DAILY;COUNT=4", lead_days=3))
    assert Window.objects.count() == 4
    assert all(one.approved_at and one.announce_at == one.from_at - 3 * DAY for one in Window.objects.all())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Nowhere"}, "no such time zone"),
        ({"rule": "FREQ=SECONDLY"}, "not understood"),
        ({"from_at": "2020-01-01T00:00", "until_at": "2020-01-01T01:00"}, "nothing to announce"),
        ({"from_at": "2027-03-28T02:30", "until_at": "2027-03-28T04:00"}, "put forward over"),
        ({"announced_at": "2026-01-01T00:00"}, "Say how it was announced"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(
    service: Service, page: Client, wrong: dict[str, Any], says: str
) -> None:
    answer = page.post("/maintenance/add/", sent(service, **wrong))
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_the_buttons_of_a_window_lead_through_its_life(
    service: Service, acme: Customer, alice: User, page: Client
) -> None:
    now = timezone.now()
    window = planned(service, alice, begins=now - HOUR, now=now)
    later = f"{now + 3 * HOUR:%Y-%m-%dT%H:%M:%S}"
    for deed, values in (
        ("complete", {}),
        ("start", {}),
        ("extend", {"until_at": later}),
        ("extend", {}),
        ("complete", {}),
    ):
        page.post(f"/maintenance/{window.pk}/{deed}/", values)
    assert [notice.kind for notice in window.notices.all()] == ["announced", "started", "extended", "completed"]
    assert "completed" in page.get(f"/maintenance/{window.pk}/").content.decode()


def test_contacts_are_added_and_removed(acme: Customer, page: Client) -> None:
    address = f"/customers/{acme.pk}/contacts/add/"
    assert page.post(address, {"channel": "email", "address": "nobody"}).status_code == 422
    assert page.post(address, {"channel": "webhook", "address": "http://inside/"}).status_code == 422
    answer = page.post(address, {"channel": "webhook", "address": "https://hooks.acme.example/"}, follow=True)
    assert "whsec_" in answer.content.decode()
    assert page.post(address, {"channel": "webhook", "address": "https://hooks.acme.example/"}).status_code == 422
    page.post(f"/customers/contacts/{Contact.objects.get().pk}/remove/")
    assert not Contact.objects.exists()
