"""The constants that bring the E-model nearest to the reference, found on the training voices alone."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from statistics import fmean

from clearline.voice.burst import burst_ratio
from clearline.voice.impairments import Impairment
from clearline.voice.scores import mos_of, rating
from speech.rows import Row

START = (10.0, 10.0, 0.0, 95.0)
STEPS = (4.0, 4.0, 0.2, 8.0)
BOUNDS = {
    "G.107": ((0.0, 90.0), (0.5, 90.0), (-0.5, 1.0), (95.0, 95.0)),
    "G.107.1": ((0.0, 90.0), (0.5, 90.0), (-0.5, 1.0), (95.0, 129.0)),
}
"""Of Ie, Bpl, the exponent on BurstR and the ceiling of Ie,eff, which is fixed on the scale of G.107."""

FINEST = 0.002
"""The search ends when its steps are this small a part of the first ones."""

Constants = tuple[float, ...]


def heard_loss(row: Row, *, repaired: bool) -> tuple[float, float]:
    """Give the share of packets the listener lost, percent, and its burst ratio.

    Where forward error correction repairs the last packet of each run, only the others are lost; how those cluster is
    not followed further.
    """
    if repaired:
        return 100 * (row.lost - row.runs) / row.packets, 1.0
    return 100 * row.lost / row.packets, burst_ratio(row.lost, row.runs, row.packets)


def predict(row: Row, impairment: Impairment, *, repaired: bool) -> float:
    """Give the E-model's listening score of a row."""
    ppl, burst_r = heard_loss(row, repaired=repaired)
    return mos_of(impairment, rating(impairment, ppl, burst_r, 0.0))


def impairment(codec: str, model: str, constants: Constants) -> Impairment:
    """Make a codec's row of constants."""
    ie, bpl, exponent, ceiling = constants
    return Impairment(codec, model, ie, bpl, "", exponent, ceiling)


def conditions(rows: Sequence[Row], *, by_voice: bool = False) -> list[list[Row]]:
    """Group rows by condition, or by condition and voice."""

    def key(row: Row) -> tuple[float, int, str]:
        return row.loss_pct, row.burst, row.voice if by_voice else ""

    return [list(group) for _, group in groupby(sorted(rows, key=key), key)]


def fit(rows: Sequence[Row], model: str, reference: Callable[[Row], float], *, repaired: bool) -> Constants:
    """Find the constants with the least squared error over the means of each voice and condition."""
    groups = conditions(rows, by_voice=True)
    wanted = [fmean(map(reference, group)) for group in groups]

    @cache
    def error(constants: Constants) -> float:
        candidate = impairment("", model, constants)
        means = (fmean(predict(row, candidate, repaired=repaired) for row in group) for group in groups)
        return sum((mean - mos) ** 2 for mean, mos in zip(means, wanted, strict=True))

    return search(error, START, BOUNDS[model])


def search(error: Callable[[Constants], float], start: Constants, bounds: Sequence[tuple[float, float]]) -> Constants:
    """Find where an error is least, by Hooke and Jeeves: step along each axis, then leap on in the direction gained."""

    def explore(constants: Constants, share: float) -> Constants:
        for place, (low, high) in enumerate(bounds):
            for sign in (-1, 1):
                value = min(max(constants[place] + sign * share * STEPS[place], low), high)
                candidate = (*constants[:place], value, *constants[place + 1 :])
                if error(candidate) < error(constants):
                    constants = candidate
                    break
        return constants

    best, share = start, 1.0
    while share > FINEST:
        found = explore(best, share)
        if found == best:
            share /= 2
        while error(found) < error(best):
            leap = [2 * new - old for new, old in zip(found, best, strict=True)]
            held = tuple(min(max(value, low), high) for value, (low, high) in zip(leap, bounds, strict=True))
            best, found = found, explore(held, share)
    return best
