from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import (
    Now,
    now_from_each,
    now_of,
    observe,
    observe_each,
    quorums_of,
    together,
)
from clearline.platform.availability.outages import Quorum, combine, timeline, timelines
from clearline.platform.availability.plot import MOST_POINTS, plot_of
from clearline.platform.availability.runs import by_day, joined
from clearline.platform.measurements import records
from clearline.platform.vantages.models import Vantage
from clearline.platform.vantages.services import choose_watch, invite, revoke
from clearline.records.columns import stored_schema, to_batch
from clearline.records.schema import DAY_US, PROBES, ProbeSample
from clearline.records.upkeep import seal

NOW_US = datetime_us(NOW)


def sample(at_us: int, vantage: str, *, ok: bool, off: bool) -> ProbeSample:
    made = ProbeSample(f"{at_us}{vantage}", "t", "x", vantage, "options", at_us, ok, None, "r", 1, DAY_US // 8, "0")
    return replace(made, clock_offset_us=300_000_000 if off else None)


def to_table(taken: list[ProbeSample]) -> pa.Table:
    """As the records give them."""
    if not taken:
        return stored_schema(PROBES).empty_table()
    return pa.Table.from_batches([to_batch(PROBES, taken, 0)])


@given(
    st.lists(st.tuples(st.integers(0, 4 * DAY_US), st.booleans(), st.sampled_from("ab"), st.booleans()), max_size=60),
    st.integers(1, 3),
)
def test_days_judged_apart_and_joined_say_what_the_whole_says(
    drawn: list[tuple[int, bool, str, bool]], confirm: int
) -> None:
    taken = sorted(
        {(at, vantage): sample(at, vantage, ok=ok, off=off) for at, ok, vantage, off in drawn}.values(),
        key=lambda s: (s.at_us, s.key),
    )
    days = by_day(to_table(taken))
    runs = joined(days[day] for day in sorted(days))
    apart = {vantage: timeline(found, 5 * DAY_US, confirm) for vantage, found in runs.items()}
    whole = timelines(taken, now_us=5 * DAY_US, confirm=confirm)
    assert apart == whole
    either = (Quorum(0, 1, frozenset("ab")),)
    assert combine(apart, either) == combine(whole, either)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("results", "state", "since_s"),
    [
        ("", "unknown", None),
        ("+", "up", None),
        ("++++", "up", None),
        ("+---", "down", 45),
        ("---++", "up", 30),
        ("+++-", "unknown", None),
        ("++++    ", "unknown", None),
    ],
)
def test_state_now(target: Target, results: str, state: str, since_s: int | None) -> None:
    began = NOW - timedelta(seconds=15 * len(results))
    records().append(samples(target, began, results))
    now = now_of([target], NOW_US)[target.pk]
    assert now.state == state
    assert now.since_us == (None if since_s is None else NOW_US - since_s * 1_000_000)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("results", "state", "since_h"),
    [("+++", "up", None), ("+--", "down", 1.5), ("++-", "unknown", None), ("+", "up", None)],
)
def test_between_two_samples_of_a_target_asked_once_an_hour_it_is_as_it_was_seen_last(
    target: Target, results: str, state: str, since_h: float | None
) -> None:
    """The last of three was half an hour ago; of one, two hours and a half: less than a gap."""
    target.interval_seconds = 3600
    target.save()
    records().append(samples(target, NOW - timedelta(hours=2.5), results, 3600))
    now = now_of([target], NOW_US)[target.pk]
    assert now.state == state
    assert now.since_us == (None if since_h is None else NOW_US - since_h * 3_600_000_000)
    assert now_from_each(target, NOW_US)["local"].state == state


@pytest.mark.django_db
def test_a_long_outage_is_counted_from_its_first_sample(target: Target) -> None:
    records().append(samples(target, NOW - timedelta(hours=3), "+" + "-" * 719))
    now = now_of([target], NOW_US)[target.pk]
    assert now.since_us == NOW_US - 3 * 3_600_000_000 + 15_000_000


@pytest.mark.django_db
def test_samples_that_come_late_into_the_running_day_are_seen(target: Target) -> None:
    span = (NOW_US - DAY_US, NOW_US + DAY_US)
    assert not observe(target, span, NOW_US).observed
    records().append(samples(target, NOW - timedelta(minutes=10), "++++"))
    assert observe(target, span, NOW_US + 1_000_000).observed.total_us == 60_000_000


def test_a_service_is_down_if_one_is_and_up_only_if_all_are() -> None:
    up, down, unknown = Now("up", 5, None), Now("down", 7, None), Now("unknown", None, None)
    assert together([up, down, unknown]).state == "down"
    assert together([up, down]).since_us == 7
    assert together([up, unknown]).state == "unknown"
    assert together([up, Now("up", 9, None)]).since_us == 9
    assert together([]).state == "unknown"


@pytest.mark.django_db
def test_a_plot_shows_pauses_and_missing_answers_as_gaps(target: Target) -> None:
    taken = samples(target, datetime(2026, 10, 1, tzinfo=UTC), "+-+    +")
    drawn = plot_of(taken, (0, 60_000_000))
    assert drawn["value"] == [12.3, None, 12.3, None, 12.3]
    assert (drawn["from"], drawn["until"]) == (0, 60)


@pytest.mark.django_db
def test_a_thinned_plot_hides_no_missing_answer(target: Target) -> None:
    results = list("+" * (3 * MOST_POINTS))
    missing = Random(7).sample(range(len(results)), 5)
    for number in missing:
        results[number] = "-"
    drawn = plot_of(samples(target, NOW, "".join(results)), (0, 1))
    values = drawn["value"]
    assert isinstance(values, list)
    assert len(values) <= MOST_POINTS
    assert 1 <= values.count(None) <= 5


@pytest.mark.django_db
@pytest.mark.parametrize("late", [timedelta(hours=2), timedelta(days=40)])
def test_samples_that_come_into_a_day_long_over_are_seen_without_a_restart(target: Target, late: timedelta) -> None:
    began = NOW - late
    span = (datetime_us(began) - DAY_US, datetime_us(began) + DAY_US)
    records().append(samples(target, began, "++++"))
    assert observe(target, span, NOW_US).outages == ()
    seal(records())
    records().append(samples(target, began + timedelta(minutes=1), "---+"))
    (outage,) = observe(target, span, NOW_US + 1_000_000).outages
    assert outage.from_us == datetime_us(began) + 60_000_000
    seal(records())
    assert observe(target, span, NOW_US + 2_000_000).outages == (outage,)


@pytest.mark.django_db
def test_two_vantage_points_must_agree_where_that_was_chosen(target: Target, alice: User) -> None:
    other, _ = invite(alice, "Berlin", NOW)
    choose_watch(target, alice, local=True, vantages=[other], agree=2, now=NOW - timedelta(hours=1))
    began = NOW - timedelta(minutes=2)
    records().append(samples(target, began, "++------"))
    elsewhere = [replace(one, vantage=other.code, key=f"b{one.key}") for one in samples(target, began, "++++++++")]
    records().append(elsewhere[:2])
    assert now_of([target], NOW_US)[target.pk].state == "unknown"
    records().append(elsewhere)
    assert now_of([target], NOW_US)[target.pk].state == "up"
    assert {vantage: now.state for vantage, now in now_from_each(target, NOW_US).items()} == {
        "local": "down", other.code: "up",
    }  # fmt: skip
    span = (NOW_US - DAY_US, NOW_US + DAY_US)
    assert observe(target, span, NOW_US).outages == ()
    apart = observe_each(target, span, NOW_US)
    assert [len(apart[vantage].outages) for vantage in ("local", other.code)] == [1, 0]


@pytest.mark.django_db
def test_a_revoked_vantage_point_takes_no_further_part_and_the_others_go_on(target: Target, alice: User) -> None:
    other, _ = invite(alice, "Berlin", NOW)
    choose_watch(target, alice, local=True, vantages=[other], agree=2, now=NOW - timedelta(hours=1))
    revoke(other, alice, NOW)
    assert [(quorum.agree, quorum.of) for quorum in quorums_of(target)[1:]] == [
        (2, {"local", other.code}),
        (1, {"local"}),
    ]
    choose_watch(target, alice, local=False, vantages=[invite(alice, "Bonn", NOW)[0]], agree=1, now=NOW)
    revoke(Vantage.objects.get(name="Bonn"), alice, NOW)
    target = Target.objects.get()
    assert quorums_of(target)[-1].of == {"local"}
