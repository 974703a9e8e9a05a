"""Outages from samples, by hand-drawn time lines. One letter is one probe interval of 10 s:
`.` good, `x` failing, ` ` no sample."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.agreement.intervals import IntervalSet
from clearline.platform.availability.outages import (
    CLOCK_LIMIT_US,
    Availability,
    Columns,
    Outage,
    Quorum,
    Run,
    combine,
    condense,
    timelines,
)
from clearline.records.schema import ProbeSample

S = 1_000_000
INTERVAL_US = 10 * S


def sample(at_s: float, *, ok: bool, vantage: str = "a", interval_us: int = INTERVAL_US) -> ProbeSample:
    at_us = round(at_s * S)
    said = "200 OK" if ok else "no answer within 4 s"
    code = 200 if ok else None
    key = f"{vantage}{at_us}"
    return ProbeSample(key, "t", "reflector", vantage, "options", at_us, ok, code, said, 900, interval_us, "1")


def drawn(line: str, vantage: str = "a", shift_s: int = 0) -> list[ProbeSample]:
    return [
        sample(10 * index + shift_s, ok=letter == ".", vantage=vantage)
        for index, letter in enumerate(line)
        if letter != " "
    ]


MANY = frozenset("abcdefgh")


def classify(
    samples: Sequence[ProbeSample], *, now_us: int, confirm: int = 2, quorums: Sequence[Quorum] | None = None
) -> Availability:
    return combine(timelines(samples, now_us=now_us, confirm=confirm), quorums or agreeing(1))


NOTHING = Availability(IntervalSet(), ())


def seen(line: str, *, now_s: int | None = None, confirm: int = 2) -> Availability:
    return classify(drawn(line), now_us=(10 * len(line) if now_s is None else now_s) * S, confirm=confirm)


def agreeing(number: int) -> tuple[Quorum]:
    return (Quorum(0, number, MANY),)


def spans(availability: Availability) -> list[tuple[int, int | None]]:
    return [
        (outage.from_us // S, None if outage.until_us is None else outage.until_us // S)
        for outage in availability.outages
    ]


def test_an_outage_lasts_from_its_first_failing_sample_to_the_first_good_one() -> None:
    availability = seen("...xxx..")
    assert availability.outages == (Outage(30 * S, 60 * S, 10 * S, 10 * S, "no answer within 4 s", "answer"),)
    assert availability.observed == IntervalSet.of([(0, 80 * S)])


def test_a_single_failing_sample_between_good_ones_is_noise_and_observed() -> None:
    assert seen("..x...") == Availability(IntervalSet.of([(0, 60 * S)]), ())


def test_confirmation_may_ask_for_more_samples_or_none() -> None:
    assert spans(seen("..xx..", confirm=3)) == []
    assert spans(seen("..x...", confirm=1)) == [(20, 30)]


def test_a_quick_confirmation_probe_confirms_and_leaves_the_start_where_it_was() -> None:
    samples = [*drawn(".."), sample(20, ok=False), sample(23, ok=False)]
    (outage,) = classify(samples, now_us=24 * S).outages
    assert (outage.from_us, outage.until_us, outage.from_uncertainty_us) == (20 * S, None, 10 * S)


def test_a_running_outage_has_no_end() -> None:
    (outage,) = seen("..xxx").outages
    assert (outage.until_us, outage.until_uncertainty_us, outage.ended_by) == (None, None, None)


def test_a_first_failure_that_nothing_confirms_yet_is_neither_up_nor_down() -> None:
    assert seen("..x") == Availability(IntervalSet.of([(0, 20 * S)]), ())


def test_a_failure_before_anybody_looked_has_a_start_of_unknown_uncertainty() -> None:
    assert seen("xx.").outages[0].from_uncertainty_us is None


def test_a_pause_of_three_intervals_is_bridged_and_a_longer_one_is_unknown_after_its_first_interval() -> None:
    assert seen(".  .").observed == IntervalSet.of([(0, 40 * S)])
    assert seen(".   .").observed == IntervalSet.of([(0, 10 * S), (40 * S, 50 * S)])


def test_an_outage_does_not_reach_into_the_time_nobody_looked() -> None:
    availability = seen("..xx      xx..")
    assert [
        (outage.from_us // S, outage.until_us and outage.until_us // S, outage.ended_by, outage.from_uncertainty_us)
        for outage in availability.outages
    ] == [(20, 40, "unobserved", 10 * S), (100, 120, "answer", None)]
    assert availability.observed == IntervalSet.of([(0, 40 * S), (100 * S, 140 * S)])


def test_when_the_monitor_itself_dies_a_running_outage_ends_with_what_was_observed() -> None:
    assert spans(seen("..xx", now_s=60)) == [(20, None)]
    assert spans(seen("..xx", now_s=61)) == [(20, 40)]
    assert seen("..xx", now_s=600).observed == IntervalSet.of([(0, 40 * S)])


def test_lone_failures_on_both_sides_of_a_gap_confirm_nothing_and_are_unknown() -> None:
    assert seen(".x     x.") == Availability(IntervalSet.of([(0, 10 * S), (70 * S, 90 * S)]), ())


def test_samples_from_the_future_are_left_out() -> None:
    assert seen("....xxx", now_s=35) == Availability(IntervalSet.of([(0, 35 * S)]), ())


def test_no_samples_say_nothing() -> None:
    assert classify([], now_us=0) == Availability(IntervalSet(), ())


def test_a_stopped_reflector_is_an_outage_within_two_intervals_and_ends_when_it_answers() -> None:
    assert spans(seen("....xx", now_s=60)) == [(40, None)]
    assert spans(seen("....xxxxxx.", now_s=110)) == [(40, 100)]


def both(first: str, second: str, *, agree: int) -> Availability:
    samples = drawn(first, "a") + drawn(second, "b", shift_s=5)
    return classify(samples, now_us=10 * len(first) * S, quorums=agreeing(agree))


def test_one_of_two_vantage_points_cut_off_is_no_outage_where_two_must_agree() -> None:
    assert spans(both("..xxxx..", "........", agree=2)) == []
    assert spans(both("..xxxx..", "........", agree=1)) == [(20, 60)]


def test_two_that_agree_make_an_outage_from_the_second_ones_first_failure_to_the_first_good_answer_of_either() -> None:
    availability = both("..xxxx..", "...xxxx.", agree=2)
    assert spans(availability) == [(35, 60)]
    assert (availability.outages[0].from_uncertainty_us, availability.outages[0].until_uncertainty_us) == (
        10 * S,
        10 * S,
    )


def test_where_fewer_look_than_must_agree_nothing_is_known() -> None:
    availability = both("........", "..      ", agree=2)
    assert availability.observed == IntervalSet.of([(5 * S, 25 * S)])


def test_two_outages_that_touch_from_different_vantage_points_are_one() -> None:
    samples = [*drawn("..xx....", "a"), *drawn("....xx..", "b")]
    assert spans(classify(samples, now_us=80 * S)) == [(20, 60)]


def test_an_outage_both_still_see_has_no_end() -> None:
    assert spans(both("..xxxx", "..xxxx", agree=2)) == [(25, None)]


def test_where_one_of_two_that_must_agree_has_stopped_looking_the_outage_ends_unobserved() -> None:
    samples = [sample(0, ok=False, vantage="b"), sample(6, ok=False, vantage="a", interval_us=5 * S)]
    (outage,) = classify(samples, now_us=23 * S, confirm=1, quorums=agreeing(2)).outages
    assert (outage.from_us, outage.until_us, outage.ended_by) == (6 * S, 10 * S, "unobserved")


def test_a_failure_seen_this_very_instant_is_not_yet_one_that_two_agree_on() -> None:
    assert classify([sample(2, ok=False)], now_us=2 * S, confirm=1, quorums=agreeing(2)) == Availability(
        IntervalSet(), ()
    )


def test_two_that_only_touch_do_not_agree() -> None:
    samples = [sample(1, ok=False, vantage="b", interval_us=5 * S), sample(6, ok=False, vantage="a")]
    assert classify(samples, now_us=17 * S, confirm=1, quorums=agreeing(2)).outages == ()


def test_a_third_vantage_point_that_fails_later_prolongs_the_running_outage() -> None:
    samples = (
        drawn("xx", "a") + drawn("xx", "b") + [sample(25, ok=False, vantage="c"), sample(27, ok=False, vantage="c")]
    )
    assert spans(classify(samples, now_us=28 * S, quorums=agreeing(2))) == [(0, None)]


EVENTS = st.lists(
    st.tuples(st.integers(1, 60), st.booleans(), st.sampled_from("ab"), st.sampled_from([5 * S, 10 * S])), max_size=40
)


def random_samples(events: list[tuple[int, bool, str, int]]) -> list[ProbeSample]:
    found, at_s = [], 0
    for step_s, ok, vantage, interval_us in events:
        at_s += step_s
        found.append(sample(at_s, ok=ok, vantage=vantage, interval_us=interval_us))
    return found


@given(EVENTS, st.integers(1, 3), st.integers(1, 2), st.randoms(use_true_random=False))
def test_order_and_repetition_of_the_samples_change_nothing(
    events: list[tuple[int, bool, str, int]], confirm: int, agree: int, chance: random.Random
) -> None:
    samples = random_samples(events)
    now_us = 1000 * S
    expected = classify(samples, now_us=now_us, confirm=confirm, quorums=agreeing(agree))
    batches = [*samples, *chance.sample(samples, len(samples) // 2)]
    chance.shuffle(batches)
    assert classify(batches, now_us=now_us, confirm=confirm, quorums=agreeing(agree)) == expected


@given(EVENTS, st.integers(1, 3), st.integers(1, 2), st.integers(0, 2400))
def test_outages_are_apart_in_order_and_within_what_was_observed(
    events: list[tuple[int, bool, str, int]], confirm: int, agree: int, now_s: int
) -> None:
    availability = classify(random_samples(events), now_us=now_s * S, confirm=confirm, quorums=agreeing(agree))
    ended = [(outage.from_us, outage.until_us or now_s * S) for outage in availability.outages]
    assert all(from_us < until_us or until_us == now_s * S for from_us, until_us in ended)
    assert all(first[1] < second[0] for first, second in pairwise(ended))
    for outage in availability.outages:
        if outage.until_us is not None:
            assert not IntervalSet.of([(outage.from_us, outage.until_us)]) - availability.observed


@given(EVENTS, st.integers(1, 3))
def test_a_good_sample_is_never_inside_an_outage_and_the_first_failing_one_always_is(
    events: list[tuple[int, bool, str, int]], confirm: int
) -> None:
    samples = [one for one in random_samples(events) if one.vantage == "a"]
    now_us = 4000 * S
    down = IntervalSet.of(
        (outage.from_us, outage.until_us or now_us)
        for outage in classify(samples, now_us=now_us, confirm=confirm).outages
    )
    assert not any(one.at_us in down for one in samples if one.ok)
    if confirm == 1:
        assert all(one.at_us in down for one in samples if not one.ok)


@pytest.mark.parametrize("confirm", [1, 2, 3])
def test_an_always_good_target_has_no_outage(confirm: int) -> None:
    assert seen("." * 50, confirm=confirm).outages == ()


# Clocks, quorums and vantage points that come and go


def off(line: str, offset_us: int, vantage: str = "a") -> list[ProbeSample]:
    return [replace(one, clock_offset_us=offset_us) for one in drawn(line, vantage)]


@pytest.mark.parametrize("sign", [1, -1])
def test_samples_of_a_clock_that_was_off_say_neither_up_nor_down(sign: int) -> None:
    good = off("....", sign * CLOCK_LIMIT_US)
    stepped = [replace(one, clock_offset_us=sign * 300 * S) for one in drawn("    xxxxx")]
    after = drawn("         ...")
    availability = classify([*good, *stepped, *after], now_us=120 * S)
    assert availability == Availability(IntervalSet.of([(0, 40 * S), (90 * S, 120 * S)]), ())


A_AND_B = frozenset("ab")


def watched(lines: dict[str, str], *quorums: Quorum) -> Availability:
    samples = [one for vantage, line in lines.items() for one in drawn(line, vantage)]
    longest = max(map(len, lines.values()))
    return classify(samples, now_us=10 * longest * S, quorums=(*agreeing(1), *quorums))


def test_only_the_chosen_vantage_points_count() -> None:
    assert spans(watched({"a": "........", "c": "..xxxx.."}, Quorum(0, 1, A_AND_B))) == []
    assert watched({"c": "..xxxx.."}, Quorum(0, 1, A_AND_B)) == NOTHING


def test_while_one_of_two_that_must_agree_is_cut_off_a_good_answer_is_up_and_a_failure_unknown() -> None:
    both_agree = Quorum(0, 2, A_AND_B)
    assert watched({"a": "........", "b": ".."}, both_agree).observed == IntervalSet.of([(0, 80 * S)])
    availability = watched({"a": "....xx..", "b": ".."}, both_agree)
    assert availability == Availability(IntervalSet.of([(0, 40 * S), (60 * S, 80 * S)]), ())


def test_where_all_are_cut_off_nothing_is_known() -> None:
    availability = watched({"a": "..      ..", "b": "...     .."}, Quorum(0, 1, A_AND_B))
    assert availability.observed == IntervalSet.of([(0, 30 * S), (80 * S, 100 * S)])


def test_one_that_was_cut_off_in_an_outage_and_delivers_late_makes_it_what_it_was() -> None:
    both_agree = Quorum(0, 2, A_AND_B)
    assert spans(watched({"a": "..xxxx..", "b": ".."}, both_agree)) == []
    assert spans(watched({"a": "..xxxx..", "b": "..xxxxx."}, both_agree)) == [(20, 60)]


def test_another_choice_of_quorum_leaves_what_was_before_as_it_was() -> None:
    lines = {"a": ".xxx....xxx.", "b": "............"}
    assert spans(watched(lines)) == [(10, 40), (80, 110)]
    assert spans(watched(lines, Quorum(60 * S, 2, A_AND_B))) == [(10, 40)]


def test_an_outage_that_another_quorum_ends_or_begins_does_so_at_its_moment() -> None:
    lines = {"a": ".xxxxxx.", "b": "........"}
    (ended,) = watched(lines, Quorum(45 * S, 2, A_AND_B)).outages
    assert (ended.until_us, ended.until_uncertainty_us, ended.ended_by) == (45 * S, 0, "answer")
    begun = watched(lines, Quorum(0, 2, A_AND_B), Quorum(45 * S, 1, A_AND_B)).outages[0]
    assert (begun.from_us, begun.from_uncertainty_us, begun.until_us, begun.reason) == (
        45 * S, 0, 70 * S, "no answer within 4 s",
    )  # fmt: skip


VANTAGES = st.lists(
    st.tuples(st.integers(1, 40), st.booleans(), st.sampled_from("abc"), st.sampled_from([5 * S, 10 * S])), max_size=50
)
QUORUMS = st.lists(
    st.builds(Quorum, st.integers(0, 1000 * S), st.integers(1, 3), st.sampled_from([MANY, A_AND_B, frozenset("abc")])),
    max_size=3,
).map(lambda found: (*agreeing(1), *sorted(found, key=lambda quorum: quorum.from_us)))


@given(VANTAGES, QUORUMS, st.integers(1, 1500), st.data())
def test_whichever_order_and_batches_the_samples_of_all_vantage_points_arrive_in_the_outages_are_the_same(
    events: list[tuple[int, bool, str, int]], quorums: tuple[Quorum, ...], now_s: int, data: st.DataObject
) -> None:
    samples = random_samples(events)
    expected = classify(samples, now_us=now_s * S, quorums=quorums)
    arrived: list[ProbeSample] = []
    left = data.draw(st.permutations(samples))
    while left:
        size = data.draw(st.integers(1, len(left)))
        batch, left = left[:size], left[size:]
        arrived += batch + data.draw(st.lists(st.sampled_from(batch), max_size=2))
        classify(arrived, now_us=now_s * S, quorums=quorums)
    assert classify(arrived, now_us=now_s * S, quorums=quorums) == expected


@given(VANTAGES, QUORUMS, st.integers(1, 300))
def test_at_every_moment_the_outages_say_what_the_quorum_then_in_force_says(
    events: list[tuple[int, bool, str, int]], quorums: tuple[Quorum, ...], now_s: int
) -> None:
    seen = timelines(random_samples(events), now_us=now_s * S, confirm=1)
    together = combine(seen, quorums)
    down = IntervalSet.of((outage.from_us, outage.until_us or now_s * S) for outage in together.outages)
    running = any(outage.until_us is None for outage in together.outages)
    for at_s in range(now_s):
        at_us = at_s * S + S // 2
        quorum = [each for each in quorums if each.from_us <= at_us][-1]
        looking = [vantage for vantage, one in seen.items() if at_us in one.observed]
        failing = [
            vantage
            for vantage, one in seen.items()
            if any(outage.from_us <= at_us < (outage.until_us or now_s * S) for outage in one.outages)
            and vantage in looking
        ]
        assert (at_us in together.observed) == quorum.is_known(looking, failing)
        if not running:
            assert (at_us in down) == quorum.is_down(failing)


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.sampled_from([5, 10]), st.booleans()), max_size=60))
def test_samples_condense_to_the_longest_runs_of_equals(events: list[tuple[int, bool, int, bool]]) -> None:
    samples, at_s = [], 0
    for number, (step_s, ok, interval_s, is_off) in enumerate(events):
        at_s += step_s
        made = sample(at_s, ok=ok, interval_us=interval_s * S)
        samples.append(replace(made, reason=f"reason {number}", clock_offset_us=2 * S if is_off else 0))
    expected: list[Run] = []
    for one in (each for each in samples if not each.clock_offset_us):
        last = expected[-1] if expected else None
        near = last is not None and one.at_us - last.last_us <= 3 * last.interval_us
        if last is not None and near and last.ok == one.ok:
            expected[-1] = replace(last, count=last.count + 1, last_us=one.at_us, interval_us=one.interval_us)
        else:
            expected.append(Run(one.ok, 1, one.at_us, one.at_us, one.interval_us, one.reason, near))
    assert condense(Columns.of(samples)) == expected
