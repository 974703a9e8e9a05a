"""A vantage point's samples as columns, condensed to the same runs as `outages.condense` makes, much faster."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from clearline.platform.availability.outages import GAP_INTERVALS, Run


def condense_columns(
    at_us: npt.NDArray[np.int64], ok: npt.NDArray[np.bool_], interval_us: npt.NDArray[Any], reason: Callable[[int], str]
) -> list[Run]:
    """Join one vantage point's samples into runs.

    Args:
        at_us: their moments, ascending.
        ok: their results.
        interval_us: their intervals.
        reason: what the sample at an index found; asked only for the first of each run.
    """
    if at_us.size == 0:
        return []
    gap = np.diff(at_us) > GAP_INTERVALS * interval_us[:-1]
    firsts = np.concatenate(([0], np.flatnonzero((ok[1:] != ok[:-1]) | gap) + 1))
    lasts = np.concatenate((firsts[1:] - 1, [at_us.size - 1]))
    return [
        Run(
            ok=bool(ok[first]),
            count=last - first + 1,
            first_us=int(at_us[first]),
            last_us=int(at_us[last]),
            interval_us=int(interval_us[last]),
            reason=reason(first),
            joined=first > 0 and not gap[first - 1],
        )
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]
