"""Alerts about vantage points: cut off, a clock that is off, and over by themselves."""

from datetime import datetime, timedelta

import pytest
from platform_kit import NOW

from clearline.platform.accounts.models import Provider
from clearline.platform.alerts import services
from clearline.platform.alerts.models import Alert
from clearline.platform.vantages.models import Vantage


@pytest.fixture
def berlin(provider: Provider) -> Vantage:
    return Vantage.objects.create(
        provider=provider, name="Berlin", token_key="t", token_until=NOW, public_key="k", enrolled_at=NOW,
        seen_at=NOW, clock_offset_us=2_000,
    )  # fmt: skip


def alerts_at(now: datetime) -> list[tuple[str, bool]]:
    services.tend(lambda: now)
    found = Alert.objects.filter(kind=Alert.Kind.VANTAGE).order_by("pk")
    return [(alert.title, alert.resolved_at is None) for alert in found]


def test_a_vantage_point_that_is_not_heard_of_for_two_minutes_is_told_of_until_it_is_back(berlin: Vantage) -> None:
    assert alerts_at(NOW + timedelta(seconds=120)) == []
    assert alerts_at(NOW + timedelta(seconds=121)) == [("Berlin is cut off", True)]
    assert Alert.objects.get(kind=Alert.Kind.VANTAGE).began_at == NOW
    Vantage.objects.update(seen_at=NOW + timedelta(minutes=9))
    assert alerts_at(NOW + timedelta(minutes=9)) == [("Berlin is cut off", False)]


def test_a_clock_that_is_off_is_told_of_until_it_is_set(berlin: Vantage) -> None:
    Vantage.objects.update(clock_offset_us=-300_000_000)
    assert alerts_at(NOW) == [("The clock of Berlin is off", True)]
    Vantage.objects.update(clock_offset_us=1_000_000)
    assert alerts_at(NOW) == [("The clock of Berlin is off", False)]


def test_a_vantage_point_that_is_revoked_or_not_enrolled_yet_is_no_trouble(berlin: Vantage) -> None:
    later = NOW + timedelta(hours=1)
    Vantage.objects.update(enrolled_at=None)
    assert alerts_at(later) == []
    Vantage.objects.update(enrolled_at=NOW, revoked_at=NOW)
    assert alerts_at(later) == []
