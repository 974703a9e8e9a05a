"""The columnar way gives the very runs of the plain one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clearline.platform.availability.columns import condense_columns
from clearline.platform.availability.outages import condense
from clearline.records.schema import ProbeSample

SECOND_US = 1_000_000


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.sampled_from([5, 10])), max_size=60))
def test_columns_and_samples_condense_to_the_same_runs(events: list[tuple[int, bool, int]]) -> None:
    samples, at_us = [], 0
    for number, (step_s, ok, interval_s) in enumerate(events):
        at_us += step_s * SECOND_US
        said = f"reason {number}"
        samples.append(
            ProbeSample(str(number), "t", "x", "v", "options", at_us, ok, None, said, None, interval_s * SECOND_US, "1")
        )
    runs = condense_columns(
        np.array([sample.at_us for sample in samples], dtype=np.int64),
        np.array([sample.ok for sample in samples], dtype=np.bool_),
        np.array([sample.interval_us for sample in samples], dtype=np.int64),
        lambda index: samples[index].reason,
    )
    assert runs == condense(samples)
