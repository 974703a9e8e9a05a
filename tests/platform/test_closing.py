"""A closed month is never edited: what becomes known later is a difference on the next statement. Sums by hand."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from jsonschema import Draft202012Validator
from platform_kit import samples

from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.outages.models import Correction
from clearline.platform.outages.services import decide, propose
from clearline.platform.statements.closing import NotNowError, close
from clearline.platform.statements.models import Closing, FrozenError, Revision
from clearline.platform.statements.services import MonthStatement, statement_with_history

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER = Month(2026, 10), Month(2026, 11), Month(2026, 12)
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
HOUR_S = 3600
CLOSED_AT = datetime(2026, 11, 2, tzinfo=UTC)
LATER = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
def october(service: Service, target: Target) -> Service:
    """744 hours, 3 of them down: 99.5967…%, 0.3032… below: one started step of 10 %, 100.00."""
    records().append(samples(target, FIRST, "+" * 58 + "---" + "+" * (744 - 61), HOUR_S))
    return service


def stated(service: Service, month: Month, now: datetime) -> MonthStatement:
    found = statement_with_history(service, month, now)
    assert found is not None
    return found


def correct(service: Service, actor: User, second: User, becomes: str, hours: tuple[int, int]) -> None:
    day = FIRST + timedelta(days=2)
    correction = Correction(
        from_at=day + timedelta(hours=hours[0]),
        until_at=day + timedelta(hours=hours[1]),
        becomes=becomes,
        reason="known later",
    )
    propose(correction, [service], actor, CLOSED_AT)
    decide(correction, second, CLOSED_AT + timedelta(minutes=len(Correction.objects.all())), accepted=True)


def test_a_correction_of_a_closed_month_is_a_difference_on_the_next_statement(
    october: Service, alice: User, bob: User
) -> None:
    """100.00 were owed for October; corrected to nothing down, November settles -100.00; October stays as it was."""
    closing = close(stated(october, OCTOBER, CLOSED_AT), alice, CLOSED_AT)
    assert stated(october, NOVEMBER, CLOSED_AT).differences == ()
    correct(october, alice, bob, "up", (10, 13))
    frozen = stated(october, OCTOBER, LATER)
    assert (frozen.statement.total.amount.amount, frozen.differences) == (100, ())
    assert frozen.to_json() == closing.statement
    november = stated(october, NOVEMBER, LATER)
    (difference,) = november.differences
    assert difference.to_json() == {
        "month": "2026-10",
        "was": {"amount": "100.00", "currency": "USD"},
        "now": {"amount": "0.00", "currency": "USD"},
        "amount": "-100.00",
    }
    assert november.to_json()["to_credit"] == {"amount": "-100.00", "currency": "USD"}
    assert "-100.00 USD for 2026-10" in november.letter()
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/statement.json").read_text())
    Draft202012Validator(schema).validate(november.to_json())


def test_what_was_settled_once_is_not_settled_again(october: Service, alice: User, bob: User) -> None:
    """October: 100.00, then 0.00 (settled by November), then 10 hours down: 98.6559 %, 1.2440 below: 200.00."""
    close(stated(october, OCTOBER, CLOSED_AT), alice, CLOSED_AT)
    correct(october, alice, bob, "up", (10, 13))
    close(stated(october, NOVEMBER, LATER), alice, LATER)
    assert [str(one.amount) for one in stated(october, NOVEMBER, LATER).differences] == ["-100.00 USD"]
    assert stated(october, DECEMBER, LATER).differences == ()
    correct(october, alice, bob, "down", (0, 10))
    (difference,) = stated(october, DECEMBER, LATER).differences
    assert (str(difference.was), str(difference.now_is)) == ("0.00 USD", "200.00 USD")
    assert [str(one.amount) for one in stated(october, NOVEMBER, LATER).differences] == ["-100.00 USD"]


def test_a_new_fee_and_new_targets_change_no_closed_month(october: Service, alice: User) -> None:
    close(stated(october, OCTOBER, CLOSED_AT), alice, CLOSED_AT)
    october.monthly_fee = Decimal(2000)
    october.save()
    october.targets.clear()
    assert stated(october, NOVEMBER, LATER).differences == ()


def test_a_month_closes_once_after_its_end_and_in_order(october: Service, alice: User) -> None:
    early = datetime(2026, 11, 1, 0, 59, 59, tzinfo=UTC)
    with pytest.raises(NotNowError, match="an hour after its end"):
        close(stated(october, OCTOBER, early), alice, early)
    close(stated(october, OCTOBER, CLOSED_AT), alice, CLOSED_AT)
    for month in (OCTOBER, Month(2026, 9)):
        with pytest.raises(NotNowError, match="closed already"):
            close(stated(october, month, CLOSED_AT), alice, CLOSED_AT)


def test_nothing_of_a_closed_month_can_be_changed(october: Service, alice: User) -> None:
    closing = close(stated(october, OCTOBER, CLOSED_AT), alice, CLOSED_AT)
    assert closing.is_whole
    with pytest.raises(FrozenError):
        closing.save()
    with pytest.raises(FrozenError):
        closing.delete()
    Closing.objects.update(statement_text=closing.statement_text.replace("100.00", "0.00"))
    assert not Closing.objects.get().is_whole
    assert not Revision.objects.exists()


def test_closing_on_the_page(page: Client, october: Service, alice: User, bob: User) -> None:
    """The page's months are long over by the clock that runs."""
    address = f"/statements/{october.pk}/2026-10/"
    assert "Close the month" in page.get(address).content.decode()
    assert page.post(address + "close/").status_code == 302
    shown = page.get(address).content.decode()
    assert "never changed since" in shown
    assert "Close the month" not in shown
    assert "closed already" in page.post(address + "close/", follow=True).content.decode()
    assert page.get(address + "statement/").json()["total"]["amount"] == "100.00"
    correct(october, alice, bob, "up", (10, 13))
    assert "a difference of -100.00 USD" in page.get(address).content.decode()
    assert "Difference for" in page.get(f"/statements/{october.pk}/2026-11/").content.decode()
    assert "Differences for closed months" in page.get(f"/statements/{october.pk}/2026-11/letter/").content.decode()
