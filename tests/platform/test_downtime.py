"""From samples to money where months, vantage points, targets and decisions meet.

A service of 1000.00 USD a month, asked once an hour.
October has 744 hours: more than 0.744 of them down is a step of 100.00, more than 8.184 a second one.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import observe, outage_id
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Exclusion
from clearline.platform.measurements import records
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.statements.services import MonthStatement, month_statement
from clearline.platform.vantages.services import choose_watch, invite
from clearline.records.schema import ProbeSample

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
MONTH_END = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 3, tzinfo=UTC)
OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
HOUR = timedelta(hours=1)
HOUR_S = 3600

numbers = count()


def measure(target: Target, since: datetime, results: str, vantage: str = "local") -> list[ProbeSample]:
    """Append hourly samples of a vantage point, each with a key of its own."""
    made = [
        replace(one, vantage=vantage, key=f"{next(numbers):032x}") for one in samples(target, since, results, HOUR_S)
    ]
    records().append(made)
    return made


def judged(service: Service, month: Month, now: datetime = LATER) -> MonthStatement:
    found = month_statement(Service.objects.get(pk=service.pk), month, now)
    assert found is not None
    return found


def hours(service: Service, month: Month, now: datetime = LATER) -> tuple[float, float, float]:
    """Up, down and unknown."""
    seconds = judged(service, month, now).statement.to_json()["seconds"]
    return seconds["up"] / HOUR_S, seconds["down"] / HOUR_S, seconds["unknown"] / HOUR_S


def owed(service: Service, month: Month) -> str:
    return str(judged(service, month).statement.total.amount)


def late(service: Service, month: Month) -> list[str]:
    found: list[str] = judged(service, month).statement.to_json()["commitments"]["restoration"]["late"]
    return found


def test_a_failure_that_is_confirmed_after_the_months_end_counts_from_its_first_sample(
    service: Service, target: Target
) -> None:
    """It fails at 23:00 and at 00:00: October has an hour of downtime, and a credit."""
    measure(target, FIRST, "+" * 743 + "--" + "+" * 47)
    assert hours(service, OCTOBER) == (743, 1, 0)
    assert owed(service, OCTOBER) == "100.00 USD"
    assert hours(service, NOVEMBER)[:2] == (47, 1)


def test_a_monitor_that_dies_in_an_outage_at_the_months_end_leaves_the_rest_of_it_unknown(
    service: Service, target: Target
) -> None:
    """It fails at 21:00 and 22:00, then nothing is measured: down for two hours, not for three."""
    measure(target, FIRST, "+" * 741 + "--")
    assert hours(service, OCTOBER) == (741, 2, 1)


def test_an_outage_across_the_months_end_goes_on_in_the_first_and_is_whole_in_the_second(
    service: Service, target: Target
) -> None:
    measure(target, FIRST, "+" * 742 + "-----" + "+" * 20)
    assert hours(service, OCTOBER) == (742, 2, 0)
    (down,) = judged(service, OCTOBER).evidence["availability"]["downtime"]
    assert (down["from"], down["until"]) == ("2026-10-31T22:00:00Z", "2026-11-01T03:00:00Z")
    october = judged(service, OCTOBER).statement.to_json()["commitments"]["restoration"]
    assert (october["late"], len(october["pending"])) == ([], 1)
    assert late(service, NOVEMBER) == october["pending"]


@pytest.mark.parametrize("agree", [1, 2])
def test_a_long_outage_keeps_its_start_and_name_whoever_sees_it(target: Target, alice: User, agree: int) -> None:
    """Down for five days; the two vantage points ask at differing moments, and one may see it work."""
    other, _ = invite(alice, "Frankfurt", FIRST)
    choose_watch(target, alice, local=True, vantages=[other], agree=agree, now=FIRST)
    measure(target, FIRST, "++" + ("+" if agree == 1 else "-") * 120)
    down = FIRST + timedelta(hours=2, minutes=20)
    measure(target, FIRST + timedelta(minutes=20), "++" + "-" * 120, other.code)
    for day in (2, 3, 5):
        since = datetime_us(FIRST) + day * 86_400_000_000
        (found,) = observe(target, (since, since + 86_400_000_000), since + 86_400_000_000).outages
        assert outage_id(target, found) == f"O-{target.pk}-{down:%Y%m%dT%H%M%SZ}"


def test_an_outage_is_as_long_as_all_that_overlaps_it_though_a_part_ended_in_the_month_before(
    service: Service, target: Target
) -> None:
    """One target is down from 21:00 to 23:00, another from 22:00 to 00:00:30: 3 h and half a minute, not two."""
    service.agreement.versions.update(text=text_of(service).replace("within_seconds: 3600", "within_seconds: 10800"))
    other = second(service, target)
    measure(target, FIRST, "+" * 741 + "--" + "+" * 40)
    measure(other, FIRST, "+" * 742 + "--")
    records().append(samples(other, MONTH_END, "-" + " " * 1 + "+", 15))
    assert len(late(service, NOVEMBER)) == 2
    assert hours(service, OCTOBER) == (741, 3, 0)


def test_a_months_end_within_a_utc_day_cuts_its_samples_whoever_read_the_day_before(
    service: Service, target: Target
) -> None:
    """October ends at 23:00 UTC in Berlin, where it has 745 hours; it is down from 22:00 to 23:30."""
    service.agreement.versions.update(
        time_zone="Europe/Berlin", text=text_of(service).replace("time_zone: UTC", "time_zone: Europe/Berlin")
    )
    first = FIRST - 2 * HOUR
    measure(target, first, "+" * 744)
    records().append(samples(target, MONTH_END - 2 * HOUR, "---+++", 1800))
    before = judged(service, OCTOBER)
    assert hours(service, OCTOBER) == (744, 1, 0)
    day = datetime_us(MONTH_END) - 86_400_000_000
    observe(target, (day, day + 86_400_000_000), datetime_us(LATER))
    assert judged(service, OCTOBER).evidence == before.evidence
    assert hours(service, NOVEMBER)[1] == 0.5


def test_an_outage_in_the_night_the_clocks_go_back_is_as_long_as_it_was(service: Service, target: Target) -> None:
    """From 00:00 to 02:00 UTC on 25 October, which is from 02:00 to 03:00 on the clocks of Berlin."""
    service.agreement.versions.update(
        time_zone="Europe/Berlin", text=text_of(service).replace("time_zone: UTC", "time_zone: Europe/Berlin")
    )
    measure(target, FIRST - 2 * HOUR, "+" * 578 + "--" + "+" * 165)
    assert hours(service, OCTOBER) == (743, 2, 0)
    assert len(late(service, OCTOBER)) == 1


def test_a_declared_outage_over_a_measured_one_counts_once(service: Service, target: Target, alice: User) -> None:
    """Measured from 10 to 12, declared from 11 to 13: three hours, one outage."""
    measure(target, FIRST, "+" * 10 + "--" + "+" * 732)
    declaration = Declaration.objects.create(
        provider=alice.provider, from_at=FIRST + 11 * HOUR, until_at=FIRST + 13 * HOUR, what="No dial tone",
        said_by="Acme Ltd", made_at=NOW, made_by=alice, decided_at=NOW, accepted=True,
    )  # fmt: skip
    declaration.services.add(service)
    assert hours(service, OCTOBER) == (741, 3, 0)
    assert judged(service, OCTOBER).statement.to_json()["commitments"]["restoration"]["outages"] == 1


def test_a_customer_of_mid_month_is_owed_for_its_own_hours_alone(service: Service, target: Target) -> None:
    """Bought at 500 h, in the midst of an outage from 498 to 502 h: down 2 of 244 h, one step of a fee of 327.96."""
    service.starts_at = FIRST + 500 * HOUR
    service.save()
    measure(target, FIRST, "+" * 498 + "----" + "+" * 242)
    assert hours(service, OCTOBER) == (242, 2, 0)
    assert owed(service, OCTOBER) == "32.80 USD"


def test_a_service_that_ends_in_an_outage_is_down_until_its_end_and_no_further(
    service: Service, target: Target
) -> None:
    """Down from 98 h on, bought until 100 h: 2 of 100 h are 98 %, two steps of a fee of 134.41."""
    service.ends_at = FIRST + 100 * HOUR
    service.save()
    measure(target, FIRST, "+" * 98 + "-" * 700)
    assert hours(service, OCTOBER) == (98, 2, 0)
    assert owed(service, OCTOBER) == "26.88 USD"
    assert owed(service, NOVEMBER) == "0.00 USD"


def test_before_its_only_target_was_there_a_service_is_unknown(service: Service, target: Target) -> None:
    target.added_at = FIRST + 100 * HOUR
    target.save()
    measure(target, FIRST + 100 * HOUR, "+" * 40 + "--" + "+" * 8)
    assert hours(service, OCTOBER) == (48, 2, 694)


def test_flapping_is_downtime_where_two_samples_in_a_row_fail_and_nowhere_else(
    service: Service, target: Target
) -> None:
    measure(target, FIRST, "-+" * 100 + "--+" * 10 + "+" * 514)
    assert hours(service, OCTOBER) == (724, 20, 0)


def test_the_monitors_own_gap_is_neither_up_nor_down(service: Service, target: Target) -> None:
    """Up for 100 h, blind for 10, down for 2, blind for 10."""
    measure(target, FIRST, "+" * 100 + " " * 10 + "--" + " " * 10 + "+" * 622)
    assert hours(service, OCTOBER) == (722, 2, 20)


def text_of(service: Service) -> str:
    text: str = service.agreement.versions.get().text
    return text


def second(service: Service, target: Target) -> Target:
    """Another target of the service."""
    other = Target.objects.create(
        provider=target.provider, name="New", uri="sip:new.example", interval_seconds=15, timeout_seconds=4,
        added_at=NOW,
    )  # fmt: skip
    service.targets.add(other)
    return other


def correct(service: Service, alice: User, becomes: str, from_at: datetime, until_at: datetime, **more: object) -> None:
    correction = Correction.objects.create(
        provider=alice.provider, from_at=from_at, until_at=until_at, becomes=becomes, reason="So it was.",
        made_at=NOW, made_by=alice, decided_at=NOW, accepted=True, **more,
    )  # fmt: skip
    correction.services.add(service)


def test_an_outage_is_as_long_in_the_month_it_ends_as_corrections_of_the_month_before_leave_it(
    service: Service, target: Target, alice: User
) -> None:
    """Measured from 21:00 to 01:00; until midnight it worked after all: restored within the hour."""
    measure(target, FIRST, "+" * 741 + "----" + "+" * 40)
    assert len(late(service, NOVEMBER)) == 1
    correct(service, alice, "up", MONTH_END - 3 * HOUR, MONTH_END)
    assert late(service, NOVEMBER) == []
    assert hours(service, OCTOBER) == (744, 0, 0)


def test_an_outage_that_a_correction_of_the_month_before_prolongs_is_as_long_as_both(
    service: Service, target: Target, alice: User
) -> None:
    """Measured from 00:00 to 01:00, which is in time; down from 22:00 to 00:30 by a correction: three hours, late."""
    measure(target, FIRST, "+" * 744)
    records().append(samples(target, MONTH_END, "--++++", 1800))
    assert late(service, NOVEMBER) == []
    correct(service, alice, "down", MONTH_END - 2 * HOUR, MONTH_END + timedelta(minutes=30))
    assert len(late(service, NOVEMBER)) == 2
    assert hours(service, OCTOBER) == (742, 2, 0)


@pytest.mark.parametrize("becomes", ["maintenance", "excluded"])
def test_maintenance_and_exclusions_of_the_month_before_shorten_the_outage_that_overran_them(
    service: Service, target: Target, alice: User, becomes: str
) -> None:
    service.agreement.versions.update(text=text_of(service).replace("exclusions: []", "exclusions: [customer]"))
    measure(target, FIRST, "+" * 741 + "----" + "+" * 40)
    told = {"announced_at": FIRST} if becomes == "maintenance" else {"cause": "customer"}
    correct(service, alice, becomes, MONTH_END - 3 * HOUR, MONTH_END, **told)
    assert late(service, NOVEMBER) == []


def test_an_exclusion_that_was_approved_for_the_month_before_shortens_it_as_well(
    service: Service, target: Target, alice: User
) -> None:
    service.agreement.versions.update(text=text_of(service).replace("exclusions: []", "exclusions: [customer]"))
    measure(target, FIRST, "+" * 741 + "----" + "+" * 40)
    Exclusion.objects.create(
        service=service, from_at=MONTH_END - 3 * HOUR, until_at=MONTH_END, cause="customer", reason="Their firewall.",
        approved_by=alice, entered_at=NOW,
    )  # fmt: skip
    assert late(service, NOVEMBER) == []


def test_what_is_measured_after_a_target_was_retired_counts_for_nothing(service: Service, target: Target) -> None:
    """Another place asks on until it hears of it, and nothing answers there any more."""
    other = second(service, target)
    measure(other, FIRST, "+" * 200)
    measure(target, FIRST, "+" * 100 + "---" + " " * 50)
    target.retired_at = FIRST + 100 * HOUR
    target.save()
    assert hours(service, OCTOBER) == (200, 0, 544)


def test_a_target_that_is_retired_while_it_is_down_is_down_until_then(service: Service, target: Target) -> None:
    measure(target, FIRST, "+" * 100 + "---")
    target.retired_at = FIRST + timedelta(hours=102, minutes=30)
    target.save()
    assert hours(service, OCTOBER) == (100, 2.5, 641.5)


def test_one_failing_sample_that_arrives_twice_is_still_one(service: Service, target: Target) -> None:
    made = measure(target, FIRST, "+" * 10 + "-" + "+" * 733)
    records().append(made[10:11])
    records().append(made[:20][::-1])
    assert hours(service, OCTOBER) == (744, 0, 0)


def test_two_outages_of_two_targets_that_overlap_count_once(service: Service, target: Target) -> None:
    """Down from 10 to 13 and from 12 to 15: five hours, and one outage that is late."""
    other = second(service, target)
    measure(target, FIRST, "+" * 10 + "---" + "+" * 731)
    measure(other, FIRST, "+" * 12 + "---" + "+" * 729)
    assert hours(service, OCTOBER) == (739, 5, 0)
    assert judged(service, OCTOBER).statement.to_json()["commitments"]["restoration"]["outages"] == 1


def test_two_outages_that_begin_in_one_second_are_told_apart(service: Service, target: Target) -> None:
    """Places that hurry each other may see a target fail, work and fail again within a second."""
    made = [
        replace(one, at_us=one.at_us - number * 800_000, interval_us=1_000_000)
        for number, one in enumerate(samples(target, FIRST, "--+--+++", 1))
    ]
    records().append(made)
    found = judged(service, OCTOBER)
    assert [one["id"] for one in found.evidence["availability"]["downtime"]] == [
        f"O-{target.pk}-20261001T000000Z",
        f"O-{target.pk}-20261001T000000Z.1",
    ]
