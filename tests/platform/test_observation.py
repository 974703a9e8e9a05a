from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import Now, now_of, observe, together
from clearline.platform.availability.outages import classify, combine, timeline
from clearline.platform.availability.plot import MOST_POINTS, plot_of
from clearline.platform.availability.runs import DAY_US, by_day, joined
from clearline.platform.measurements import records
from clearline.records.schema import ProbeSample

NOW_US = datetime_us(NOW)


def sample(at_us: int, vantage: str, *, ok: bool) -> ProbeSample:
    return ProbeSample(f"{at_us}{vantage}", "t", "x", vantage, "options", at_us, ok, None, "r", 1, DAY_US // 8, "0")


@given(
    st.lists(st.tuples(st.integers(0, 4 * DAY_US), st.booleans(), st.sampled_from("ab")), max_size=60),
    st.integers(1, 3),
)
def test_days_judged_apart_and_joined_say_what_the_whole_says(drawn: list[tuple[int, bool, str]], confirm: int) -> None:
    taken = sorted(
        {(at, vantage): sample(at, vantage, ok=ok) for at, ok, vantage in drawn}.values(), key=lambda s: s.at_us
    )
    days = by_day(taken)
    runs = joined(days[day] for day in sorted(days))
    apart = combine([timeline(found, 5 * DAY_US, confirm) for _, found in sorted(runs.items())], 1)
    assert apart == classify(taken, now_us=5 * DAY_US, confirm=confirm)


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
