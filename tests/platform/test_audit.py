import pytest
from django.test import Client
from platform_kit import NOW

from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.models import Event, EventIsFinalError
from clearline.platform.audit.services import first_break, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def trail(provider: Provider, alice: User) -> list[Event]:
    return [
        record(provider, alice, "customer.added", f"C-{number}", {"number": number}, now=NOW) for number in (1, 2, 3)
    ]


def test_events_follow_one_another(trail: list[Event], provider: Provider) -> None:
    assert [event.number for event in trail] == [1, 2, 3]
    assert trail[2].previous_digest == trail[1].digest
    assert first_break(provider) is None


@pytest.mark.parametrize("change", [{"subject": "C-9"}, {"actor_name": "mallory"}, {"details": {}}, {"reason": "x"}])
def test_a_changed_event_is_found(
    trail: list[Event], provider: Provider, page: Client, change: dict[str, object]
) -> None:
    Event.objects.filter(number=2).update(**change)
    assert first_break(provider) == 2
    assert "broken at event 2" in page.get("/audit/").content.decode()


def test_a_removed_event_is_found(trail: list[Event], provider: Provider) -> None:
    Event.objects.filter(number=2)._raw_delete("default")
    assert first_break(provider) == 2


def test_events_are_never_changed_or_deleted_by_the_program(trail: list[Event]) -> None:
    with pytest.raises(EventIsFinalError):
        trail[0].save()
    with pytest.raises(EventIsFinalError):
        trail[0].delete()


def test_each_provider_has_a_chain_of_its_own(trail: list[Event], charlie: User) -> None:
    assert record(charlie.provider, charlie, "x.y", "z", {}, now=NOW).number == 1
