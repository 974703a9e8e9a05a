from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from platform_kit import NOW

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.desk.models import Message, Request
from clearline.platform.desk.services import clock, requests_between, with_first_response

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def received(service: Service) -> Request:
    return Request.objects.create(service=service, subject="No dial tone", received_at=NOW - 5 * HOUR, entered_at=NOW)


def say(request: Request, author: User, kind: str, after_h: float) -> None:
    at = request.received_at + after_h * HOUR
    Message.objects.create(request=request, kind=kind, body="…", at=at, author=author, entered_at=NOW)


def answered(request: Request) -> object:
    return with_first_response(Request.objects.filter(pk=request.pk)).get().answered_at


def test_a_note_is_no_response(received: Request, alice: User) -> None:
    say(received, alice, "note", 0.5)
    assert answered(received) is None


@pytest.mark.parametrize("kind", ["reply", "call"])
def test_the_first_reply_or_answered_call_is_the_response(received: Request, alice: User, kind: str) -> None:
    say(received, alice, "reply", 3)
    say(received, alice, kind, 2)
    assert answered(received) == received.received_at + 2 * HOUR


def test_what_was_said_before_the_request_is_no_response(received: Request, alice: User) -> None:
    say(received, alice, "call", -1)
    assert answered(received) is None


def test_the_clock_runs_four_hours(received: Request) -> None:
    due = received.received_at + 4 * HOUR
    assert clock(received, None, NOW).late == HOUR
    assert clock(received, due, NOW).late is None
    assert clock(received, due + timedelta(seconds=1), NOW).late == timedelta(seconds=1)
    assert clock(received, None, due).late is None


def test_an_unanswered_request_stays_until_it_is_answered(service: Service, received: Request, alice: User) -> None:
    later = NOW + timedelta(days=40)
    assert requests_between(service, later, later + HOUR) == [received]
    say(received, alice, "reply", 1)
    assert requests_between(service, later, later + HOUR) == []
    assert requests_between(service, NOW - 6 * HOUR, NOW) == [received]


def test_a_moment_still_to_come_is_refused(service: Service, page: Client) -> None:
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    answer = page.post("/desk/add/", {"service": service.pk, "subject": "x", "received_at": tomorrow})
    assert answer.status_code == 422
    assert "still to come" in answer.content.decode()


def test_typed_moments_are_utc(service: Service, page: Client) -> None:
    page.post("/desk/add/", {"service": service.pk, "subject": "x", "received_at": "2026-10-03T08:00:30"})
    assert Request.objects.get().received_at.isoformat() == "2026-10-03T08:00:30+00:00"
