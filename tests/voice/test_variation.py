"""The histogram of delays: its percentiles beside those of the sorted values, within the bound it states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i32

from clearline.voice.variation import count, percentile_us

values = st.integers(0, 2_000) | st.integers(0, 10_000_000)


def counted(late_us: list[int]) -> vec[i32]:
    bins = vec[i32]()
    for each in late_us:
        bins = count(bins, each)
    return bins


@given(st.lists(values, min_size=1, max_size=200), st.sampled_from([1, 50, 95, 99, 100]))
def test_a_percentile_is_within_its_bound_of_the_sorted_values(late_us: list[int], percent: int) -> None:
    nearest_rank = sorted(late_us)[-(-len(late_us) * percent // 100) - 1]
    bound = 32 if nearest_rank < 1_024 else nearest_rank * 0.0625
    assert abs(percentile_us(counted(late_us), percent) - nearest_rank) <= bound


@pytest.mark.parametrize(
    ("late_us", "middle_us"),
    [(0, 32), (63, 32), (64, 96), (1_023, 992), (1_024, 1_088), (1_151, 1_088), (1_152, 1_216), (2_048, 2_176)],
)
def test_bins_are_even_below_a_millisecond_and_grow_with_the_value_above(late_us: int, middle_us: int) -> None:
    assert percentile_us(counted([late_us]), 50) == middle_us


def test_a_histogram_has_only_the_bins_that_it_needs() -> None:
    assert len(counted([0])) == 1
    assert len(counted([200_000])) < 80
