"""The lower band of G.722, decoded from anywhere in a stream to tell how loud it is.

The decoder adapts to what it decodes and forgets where it began: after 40 ms its scale is close to that of one that
heard all. The upper band, 4 to 7 kHz, is left out: there is no speech without a lower band.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

# ITU-T G.722's tables: the inverse quantizers of 6 and of 4 bits, and the scale factor's steps and powers of two.
_QUANTA_6: Final[list[int]] = [
    *(-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576),
    *(-7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040),
    *(-728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456),
    *(4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136),
]
_QUANTA_4: Final[list[int]] = [
    *(0, -20456, -12896, -8968, -6288, -4240, -2584, -1200),
    *(20456, 12896, 8968, 6288, 4240, 2584, 1200, 0),
]
_STEPS: Final[list[int]] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60]
_POWERS: Final[list[int]] = [round(2048 * 2 ** (each / 32)) for each in range(32)]


def _limited(value: i64) -> i64:
    return min(max(value, -32768), 32767)


def _is_negative(value: i64) -> bool:
    return value < 0


@final
class LowerBand:
    """A decoder of the lower band, as at the start of a stream."""

    def __init__(self) -> None:
        self.logarithm: i64 = 0
        """Of the scale."""
        self.scale: i64 = 32
        self.predicted: i64 = 0
        self.by_zeros: i64 = 0
        """The zeros' part of the prediction."""
        self.poles: list[int] = [0, 0]
        self.signals: list[int] = [0, 0]
        """Reconstructed, the latest first; so are the next two."""
        self.partials: list[int] = [0, 0]
        self.differences: list[int] = [0] * 6
        self.zeros: list[int] = [0] * 6

    def decode(self, code: i64) -> i64:
        """Decode one octet; give the lower band's sample, ±16384."""
        quantum: i64 = _QUANTA_6[code & 63]
        sample = self.predicted + (self.scale * quantum >> 15)
        index = code >> 2 & 15
        coarse: i64 = _QUANTA_4[index]
        difference = self.scale * coarse >> 15
        step: i64 = _STEPS[index]
        self.logarithm = min(max((self.logarithm * 127 >> 7) + step, 0), 18432)
        power: i64 = _POWERS[self.logarithm >> 6 & 31]
        shift = 8 - (self.logarithm >> 11)
        self.scale = (power << -shift if shift < 0 else power >> shift) << 2
        self.adapt(difference)
        return min(max(sample, -16384), 16383)

    def adapt(self, difference: i64) -> None:
        """Let the predictor follow (blocks RECONS to PREDIC)."""
        signal = _limited(self.predicted + difference)
        partial = _limited(self.by_zeros + difference)
        self.turn_poles(partial)
        self.turn_zeros(difference)
        self.signals = [signal, self.signals[0]]
        self.partials = [partial, self.partials[0]]
        self.differences = [difference, *self.differences[:5]]
        by_poles: i64 = 0
        for i in range(2):
            pole: i64 = self.poles[i]
            past: i64 = self.signals[i]
            by_poles += pole * _limited(past + past) >> 15
        by_zeros: i64 = 0
        for i in range(6):
            zero: i64 = self.zeros[i]
            past = self.differences[i]
            by_zeros += zero * _limited(past + past) >> 15
        self.by_zeros = by_zeros
        self.predicted = _limited(_limited(by_poles) + by_zeros)

    def turn_poles(self, partial: i64) -> None:
        """Adapt the two poles (UPPOL2, UPPOL1)."""
        first: i64 = self.poles[0]
        second: i64 = self.poles[1]
        same = _is_negative(partial) == _is_negative(self.partials[0])
        pull = _limited(first << 2)
        pull = min(-pull, 32767) if same else pull
        other = 128 if _is_negative(partial) == _is_negative(self.partials[1]) else -128
        second = min(max((pull >> 7) + other + (second * 32512 >> 15), -12288), 12288)
        most = 15360 - second
        first = _limited((192 if same else -192) + (first * 32640 >> 15))
        self.poles = [min(max(first, -most), most), second]

    def turn_zeros(self, difference: i64) -> None:
        """Adapt the six zeros (UPZERO)."""
        step = 0 if difference == 0 else 128
        adapted: list[int] = []
        for i in range(6):
            zero: i64 = self.zeros[i]
            same = _is_negative(self.differences[i]) == _is_negative(difference)
            adapted.append(_limited((step if same else -step) + (zero * 32640 >> 15)))
        self.zeros = adapted
