"""Declared outages and corrections: by one person, decided by a second, and felt in the month's money."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from platform_kit import NOW, samples

from clearline.agreement.intervals import IntervalSet
from clearline.agreement.moments import utc
from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.audit.models import Event
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.outages import services
from clearline.platform.outages.cases import find_case
from clearline.platform.outages.effect import Down, corrected
from clearline.platform.outages.models import FOREVER_US, Correction, Declaration
from clearline.platform.statements.services import MonthStatement, month_statement

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUR_S = 3600


@pytest.fixture
def measured(service: Service, target: Target) -> str:
    """468 hours of October seen, the three from the 3rd at 10:00 down; returns the outage's name."""
    records().append(samples(target, FIRST, "+" * 58 + "---" + "+" * 408, HOUR_S))
    return f"O-{target.pk}-20261003T100000Z"


def judged(service: Service) -> MonthStatement:
    found = month_statement(service, Month(2026, 10), NOW)
    assert found is not None
    return found


def seconds(service: Service) -> dict[str, int]:
    told: dict[str, int] = judged(service).statement.to_json()["seconds"]
    return told


def propose(service: Service, actor: User, becomes: str, hours: tuple[int, int], **more: object) -> Correction:
    """Propose what an interval of the 3rd, given in hours of that day, becomes."""
    day = FIRST + timedelta(days=2)
    correction = Correction(
        outage=str(more.pop("outage", "")),
        from_at=day + hours[0] * HOUR,
        until_at=day + hours[1] * HOUR,
        becomes=becomes,
        reason="two people called in",
        **more,
    )
    services.propose(correction, [service], actor, NOW)
    return correction


@pytest.mark.django_db
def test_a_correction_counts_from_its_second_signature_on(
    service: Service, measured: str, alice: User, bob: User
) -> None:
    """Three hours down cost one started step, 100.00; without them nothing is owed, and nothing measured is gone."""
    proposed = propose(service, alice, "up", (10, 13), outage=measured)
    assert judged(service).statement.total.amount.amount == 100
    services.decide(proposed, bob, NOW, accepted=True)
    assert judged(service).statement.total.amount.amount == 0
    assert seconds(service)["up"] == 468 * HOUR_S
    case = find_case(alice, measured, NOW)
    assert case is not None
    assert case.length_us(0) == 3 * HOUR_S * 1_000_000


@pytest.mark.django_db
def test_nobody_decides_on_their_own_word_or_twice(service: Service, measured: str, alice: User, bob: User) -> None:
    proposed = propose(service, alice, "up", (10, 13))
    with pytest.raises(services.NotNowError):
        services.decide(proposed, alice, NOW, accepted=True)
    services.decide(proposed, bob, NOW, accepted=False)
    with pytest.raises(services.NotNowError):
        services.decide(proposed, bob, NOW, accepted=True)
    assert seconds(service)["down"] == 3 * HOUR_S
    assert [event.action for event in Event.objects.all()[:2]] == ["correction.refused", "correction.proposed"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("becomes", "more", "down", "other"),
    [
        ("unknown", {}, 2, ("unknown", 31 * 24 - 468 + 1)),
        ("down", {}, 3, ("up", 465)),
        ("maintenance", {"announced_at": FIRST}, 2, ("maintenance", 1)),
        ("maintenance", {}, 3, ("maintenance", 0)),
        ("excluded", {"cause": "customer"}, 3, ("excluded", 0)),
    ],
)
def test_the_second_of_three_hours_becomes(
    service: Service, measured: str, alice: User, bob: User, becomes: str, more: dict[str, object], down: int,
    other: tuple[str, int],
) -> None:  # fmt: skip
    """Never announced, it is downtime still; so it is for a cause that the default agreement does not allow."""
    services.decide(propose(service, alice, becomes, (11, 12), **more), bob, NOW, accepted=True)
    told = seconds(service)
    assert (told["down"], told[other[0]]) == (down * HOUR_S, other[1] * HOUR_S)


@pytest.mark.django_db
def test_an_outage_cut_in_two_is_judged_as_two(service: Service, measured: str, alice: User, bob: User) -> None:
    """One hour each is restored within the hour; three hours in one were not."""
    assert judged(service).statement.verdicts["restoration"].status == "missed"
    services.decide(propose(service, alice, "up", (11, 12)), bob, NOW, accepted=True)
    found = judged(service)
    assert [down["id"] for down in found.evidence["availability"]["downtime"]] == [measured, f"{measured}.1"]
    assert found.statement.verdicts["restoration"].status == "kept"


@pytest.mark.django_db
def test_of_two_corrections_the_later_decided_counts(service: Service, measured: str, alice: User, bob: User) -> None:
    second = propose(service, alice, "down", (11, 12))
    services.decide(propose(service, alice, "up", (10, 13)), bob, NOW, accepted=True)
    services.decide(second, bob, NOW + HOUR, accepted=True)
    assert seconds(service)["down"] == HOUR_S


@pytest.mark.django_db
def test_a_correction_touches_only_the_services_it_names(
    service: Service, target: Target, measured: str, alice: User, bob: User
) -> None:
    other = Service.objects.get(pk=service.pk)
    other.pk = None
    other.save()
    other.targets.add(target)
    services.decide(propose(service, alice, "up", (10, 13)), bob, NOW, accepted=True)
    assert seconds(service)["down"] == 0
    assert seconds(other)["down"] == 3 * HOUR_S


@pytest.mark.django_db
def test_a_declared_outage_counts_once_accepted_where_nobody_measured(
    service: Service, alice: User, bob: User, measured: str
) -> None:
    """Two hours from the last sample on, one of them after its word ran out: five down of 470 known, 465/470."""
    declaration = Declaration(from_at=NOW, until_at=NOW + 2 * HOUR, what="No audio\nboth ways")
    services.declare(declaration, [service], alice, NOW + 3 * HOUR, file=SimpleUploadedFile("a.log", b"silence"))
    later = NOW + 4 * HOUR

    def exact() -> str:
        found = month_statement(service, Month(2026, 10), later)
        assert found is not None
        told: str = found.statement.to_json()["commitments"]["availability"]["exact"]
        return told

    assert exact() == "466/469"
    services.decide(declaration, bob, later, accepted=True)
    assert exact() == "93/94"
    assert services.file_path(declaration.file_sha256).read_bytes() == b"silence"


@pytest.mark.django_db
def test_a_declared_outage_goes_on_until_somebody_says_it_ended(service: Service, alice: User, bob: User) -> None:
    declaration = Declaration(from_at=NOW - 2 * HOUR, what="No audio")
    services.declare(declaration, [service], alice, NOW)
    services.decide(declaration, bob, NOW, accepted=True)
    assert judged(service).evidence["availability"]["downtime"][0]["until"] is None
    with pytest.raises(services.NotNowError):
        services.end_declared(declaration, NOW + HOUR, alice, NOW)
    services.end_declared(declaration, NOW - HOUR, alice, NOW)
    with pytest.raises(services.NotNowError):
        services.end_declared(declaration, NOW, alice, NOW)
    assert seconds(service)["down"] == HOUR_S


@pytest.mark.django_db
def test_declaring_and_correcting_on_the_pages(
    page: Client, service: Service, measured: str, alice: User, bob: User
) -> None:
    second = Client(headers={"host": "127.0.0.1"})
    second.force_login(bob)
    given = {
        "services": service.pk, "from_at": "2026-10-03T10:00", "until_at": "2026-10-03T13:00", "becomes": "up",
        "reason": "test call <b>ok</b>",
    }  # fmt: skip
    address = f"/availability/outages/{measured}/"
    assert page.post(f"/availability/outages/correct/?outage={measured}", given).headers["Location"] == address
    shown = page.get(address).content.decode()
    assert "waits for a second person" in shown
    assert "Sign off" not in shown
    assert "&lt;b&gt;" in shown
    assert "Sign off" in second.get(address).content.decode()
    (proposed,) = Correction.objects.all()
    second.post(f"/availability/outages/corrections/{proposed.pk}/accept/")
    assert "in effect" in page.get(address).content.decode()
    refused = page.post("/availability/outages/correct/", {**given, "until_at": "2126-10-03T13:00"})
    assert refused.status_code == 422
    assert page.get("/availability/outages/O-1-20261399T000000Z/").status_code == 404
    said = {"services": service.pk, "from_at": "2026-10-03T10:00", "what": "Silence", "customer": service.customer.pk}
    declared = page.post("/availability/outages/declare/", said).headers["Location"]
    shown = second.get(declared).content.decode()
    assert "Declared by Acme Ltd" in shown
    assert "Accept: it counts" in shown
    assert "Accept: it counts" not in page.get(declared).content.decode()
    assert "Silence" in page.get("/availability/").content.decode()


spans = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda at: (at[0], at[0] + at[1]))
becomes = st.sampled_from(["up", "down", "unknown", "maintenance", "excluded"])


@given(st.lists(spans, max_size=4), st.lists(spans, max_size=4), st.lists(st.tuples(spans, becomes), max_size=5))
def test_each_instant_counts_as_its_last_correction_says(
    seen: list[tuple[int, int]], failed: list[tuple[int, int]], said: list[tuple[tuple[int, int], str]]
) -> None:
    corrections = [
        Correction(pk=number, from_at=utc(span[0]), until_at=utc(span[1]), becomes=kind, reason="r", cause="customer")
        for number, (span, kind) in enumerate(said)
    ]
    down = [Down(f"O-{number}", *span, "r") for number, span in enumerate(failed)]
    made = corrected(IntervalSet.of(seen), [*down, Down("O-x", 90, FOREVER_US, "r")], corrections)
    assert len({one.id for one in made.downtime}) == len(made.downtime)
    is_down = IntervalSet.of((one.from_us, one.until_us) for one in made.downtime)
    for instant in range(85):
        last = next((kind for (since, until), kind in reversed(said) if since <= instant < until), None)
        was_down = any(since <= instant < until for since, until in failed)
        was_seen = any(since <= instant < until for since, until in seen)
        wanted = {"up": (False, True), "down": (True, True), "unknown": (False, False)}.get(
            last or "", (was_down, was_seen)
        )
        assert (instant in is_down, instant in made.observed) == wanted
