"""IntervalSet does what sets of instants do."""

from hypothesis import given
from hypothesis import strategies as st

from clearline.agreement.intervals import Interval, IntervalSet

INSTANTS = range(-2, 42)
intervals = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def instants(pairs: list[Interval]) -> set[int]:
    return {instant for from_us, until_us in pairs for instant in range(from_us, until_us)}


def is_canonical(spans: tuple[Interval, ...]) -> bool:
    edges = [edge for span in spans for edge in span]
    return edges == sorted(set(edges))


@given(intervals)
def test_a_set_contains_the_instants_of_its_intervals(pairs: list[Interval]) -> None:
    made = IntervalSet.of(pairs)
    assert {instant for instant in INSTANTS if instant in made} == instants(pairs)
    assert made.total_us == len(instants(pairs))
    assert bool(made) == bool(instants(pairs))
    assert instants(list(made)) == instants(pairs)


@given(intervals, intervals)
def test_the_operators_are_those_of_sets_of_instants(left: list[Interval], right: list[Interval]) -> None:
    one, other = IntervalSet.of(left), IntervalSet.of(right)
    for made, expected in (
        (one | other, instants(left) | instants(right)),
        (one & other, instants(left) & instants(right)),
        (one - other, instants(left) - instants(right)),
    ):
        assert instants(list(made)) == expected
        assert is_canonical(made.spans)


@given(intervals, st.integers(0, 40))
def test_cutting_an_interval_in_two_changes_nothing(pairs: list[Interval], at: int) -> None:
    cut = [part for a, b in pairs for part in ((a, min(b, at)), (max(a, at), b))]
    assert IntervalSet.of(cut) == IntervalSet.of(pairs)


def test_intervals_that_touch_are_one_span() -> None:
    assert IntervalSet.of([(5, 7), (1, 3), (3, 5)]).spans == ((1, 7),)


def test_an_interval_inside_another_adds_nothing() -> None:
    assert IntervalSet.of([(1, 9), (2, 3), (4, 5)]).spans == ((1, 9),)


def test_an_empty_or_backward_interval_has_no_instants() -> None:
    assert IntervalSet.of([(5, 5), (9, 3)]).spans == ()
    assert IntervalSet.of([(0, 0), (0, 4)]).spans == ((0, 4),)


def test_the_end_of_an_interval_is_outside() -> None:
    one = IntervalSet.of([(10, 20)])
    assert (9 in one, 10 in one, 19 in one, 20 in one) == (False, True, True, False)


def test_subtracting_splits_what_surrounds() -> None:
    assert (IntervalSet.of([(0, 10)]) - IntervalSet.of([(2, 3), (9, 12), (-4, 1)])).spans == ((1, 2), (3, 9))
    assert (IntervalSet() - IntervalSet.of([(2, 3)])).spans == ()
