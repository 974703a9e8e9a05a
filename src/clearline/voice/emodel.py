"""The E-model: transmission parameters in, rating R and mean opinion score out.

Three Recommendations, three scales that are never mixed:

==========  ==========================  ==========================
G.107       06/2015, narrowband         R up to  93.2 by default
G.107.1     06/2019 + Cor.1, wideband   R up to 129
G.107.2     06/2019, fullband           R up to 148
==========  ==========================  ==========================

Symbols and equation numbers are the Recommendations'; parameter names are theirs in lower case. Levels are in dB,
noise in dBm0p, dBmp or dB(A), delays in ms, loss in percent. All results are unrounded.
"""

import math
from dataclasses import dataclass

MOS_MIN = 1.0
MOS_MAX = 4.5

NARROWBAND_CEILING = 95.0
"""The impairment that total loss tends to, in (7-29) of G.107 and (7-15) of G.107.1."""

FULLBAND_CEILING = 132.0
"""The same in G.107.2."""

RO_WIDEBAND = 129.0
RO_FULLBAND = 148.0
WIDEBAND_STRETCH = 1.29
FULLBAND_STRETCH = 1.48

STRETCH = {"G.107": 1.0, "G.107.1": WIDEBAND_STRETCH, "G.107.2": FULLBAND_STRETCH}
"""Model → by how much its scale is longer than the narrowband one."""

DELAY_SENSITIVITY = {"default": (1.0, 100.0), "low": (0.55, 120.0), "very low": (0.4, 150.0)}
"""G.107 Table 1: the users' class → (sT, mT in ms). "default" is required for telephony in general."""

ADVANTAGE = {"wirebound": 0.0, "mobile in a building": 5.0, "mobile in an area": 10.0, "hard to reach": 20.0}
"""G.107 Table 2: the largest advantage factor A an access may be granted. A settlement uses 0."""

PERMITTED: dict[str, tuple[float, float]] = {
    "slr": (0, 18), "rlr": (-5, 14), "stmr": (10, 20), "lstr": (13, 23), "ds": (-3, 3), "dr": (-3, 3),
    "telr": (5, 65), "wepl": (5, 110), "t": (0, 500), "tr": (0, 1000), "ta": (0, 500), "st": (0.4, 1),
    "mt": (20, 150), "qdu": (1, 14), "ie": (0, 40), "bpl": (4.3, 40), "ppl": (0, 20), "burst_r": (1, 8),
    "nc": (-80, -40), "nfor": (-96, -64), "ps": (35, 85), "pr": (35, 85), "a": (0, 20),
}  # fmt: skip
"""G.107 Table 3: the range each parameter was studied in. Outside of it the model computes, and the caller says so."""

COMPUTABLE: dict[str, tuple[float, float]] = {
    "slr": (-30, 50), "rlr": (-30, 50), "stmr": (0, 100), "lstr": (0, 100), "ds": (-20, 20), "dr": (-20, 20),
    "telr": (0, 120), "wepl": (0, 200), "t": (0, 60_000), "tr": (0, 120_000), "ta": (0, 60_000), "st": (0.1, 10),
    "mt": (1, 10_000), "qdu": (1, 100), "ie": (0, 148), "bpl": (0.1, 1000), "ppl": (0, 100), "burst_r": (1, 1000),
    "nc": (-150, 0), "nfor": (-150, 0), "ps": (0, 140), "pr": (0, 140), "a": (0, 100),
}  # fmt: skip
"""The range in which every formula here is defined and finite."""


def refuse_incomputable(name: str, value: float) -> None:
    """Raise ValueError when a parameter is outside `COMPUTABLE`, or not a number."""
    low, high = COMPUTABLE[name]
    if not low <= value <= high:  # also false for NaN
        raise ValueError(f"{name}: {value} is not within {low:g} to {high:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowbandInputs:
    """The parameters of G.107 Table 3 with its defaults; also those G.107.1 and G.107.2 use, under the same names.

    LSTR is not derived from STMR + Dr: whoever changes one gives the other too, as with the Recommendation's table.

    Attributes:
        slr: send loudness rating.
        rlr: receive loudness rating.
        stmr: sidetone masking rating.
        lstr: listener sidetone rating.
        ds: D-value of the telephone, send side.
        dr: D-value of the telephone, receive side; acts through `lstr`.
        telr: talker echo loudness rating.
        wepl: weighted echo path loss.
        t: mean one-way delay of the echo path, ms.
        tr: round-trip delay in a 4-wire loop, ms.
        ta: absolute delay in echo-free connections, mouth to ear one way, ms.
        st: delay sensitivity sT.
        mt: minimum perceivable delay mT, ms.
        qdu: number of quantization distortion units.
        ie: equipment impairment factor of the codec.
        bpl: packet-loss robustness factor of the codec.
        ppl: packet loss as heard, percent.
        burst_r: burst ratio: mean length of observed bursts over that under random loss.
        nc: circuit noise referred to the 0 dBr point, dBm0p.
        nfor: noise floor at the receive side, dBmp.
        ps: room noise at the send side, dB(A).
        pr: room noise at the receive side, dB(A).
        a: advantage factor.

    Raises:
        ValueError: a value is outside `COMPUTABLE`, or not a number.
    """

    slr: float = 8.0
    rlr: float = 2.0
    stmr: float = 15.0
    lstr: float = 18.0
    ds: float = 3.0
    dr: float = 3.0
    telr: float = 65.0
    wepl: float = 110.0
    t: float = 0.0
    tr: float = 0.0
    ta: float = 0.0
    st: float = 1.0
    mt: float = 100.0
    qdu: float = 1.0
    ie: float = 0.0
    bpl: float = 4.3
    ppl: float = 0.0
    burst_r: float = 1.0
    nc: float = -70.0
    nfor: float = -64.0
    ps: float = 35.0
    pr: float = 35.0
    a: float = 0.0

    def __post_init__(self) -> None:
        for name in COMPUTABLE:
            refuse_incomputable(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class WidebandInputs(NarrowbandInputs):
    """The parameters of G.107.1; `stmr`, `qdu`, `burst_r` and `a` have no part in it. Ie and Bpl are Ie,WB, Bpl,WB."""

    nfor: float = -96.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FullbandInputs(NarrowbandInputs):
    """The parameters of G.107.2 that act here: ta, st, mt, ie, bpl, ppl, burst_r, a. Ie is Ie,FB."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A transmission rating with the terms it is the sum of: R = Ro - Is - Id - Ie,eff + A.

    Attributes:
        r: transmission rating factor R, not limited to 0..100.
        mos: mean opinion score, conversational, estimated (MOS-CQE), 1..4.5.
        ro: basic signal-to-noise ratio.
        is_: simultaneous impairment.
        idte: talker echo.
        idle: listener echo.
        idd: absolute delay.
        id_: Idte + Idle + Idd.
        ie_eff: effective equipment impairment: codec and packet loss.
    """

    r: float
    mos: float
    ro: float
    is_: float
    idte: float
    idle: float
    idd: float
    id_: float
    ie_eff: float


NarrowbandResult = Rating


def narrowband(inputs: NarrowbandInputs) -> Rating:
    """Rate a narrowband connection by ITU-T G.107 (06/2015), clause 7."""
    i = inputs
    no = _noise(i)
    ro = 15 - 1.5 * (i.slr + no)  # 7-2
    ist = _sidetone(i)
    is_ = _loudness(i, no) + ist + _quantizing(i.qdu, ro)  # 7-8
    idte = _narrowband_talker_echo(i, no, ist)
    idle = _listener_echo(i, ro)
    idd = absolute_delay(i.ta, i.st, i.mt)
    id_ = idte + idle + idd  # 7-18
    ie_eff = effective_impairment(i.ie, i.bpl, i.ppl, i.burst_r)
    r = ro - is_ - id_ - ie_eff + i.a  # 7-1
    return Rating(r, r_to_mos(r), ro, is_, idte, idle, idd, id_, ie_eff)


def wideband(inputs: WidebandInputs) -> Rating:
    """Rate a wideband connection by ITU-T G.107.1 (06/2019 with Cor.1 of 01/2020), clause 7 and Annex A.

    The Recommendation leaves No,WB, which talker echo needs, for further study: the sum of noises of G.107 stands in.
    It has no burst ratio, quantizing distortion or advantage factor.
    """
    i = inputs
    ro = RO_WIDEBAND  # 7-2
    idte = _wideband_talker_echo(i, _noise(i))
    idle = _listener_echo(i, ro)
    idd = WIDEBAND_STRETCH * absolute_delay(i.ta, i.st, i.mt)  # 7-13
    id_ = idte + idle + idd
    ie_eff = effective_impairment(i.ie, i.bpl, i.ppl, 1.0)  # 7-15
    r = ro - id_ - ie_eff
    return Rating(r, r_to_mos(r / WIDEBAND_STRETCH), ro, 0.0, idte, idle, idd, id_, ie_eff)


def fullband(inputs: FullbandInputs) -> Rating:
    """Rate a fullband connection by ITU-T G.107.2 (06/2019), clause 7 and Annex A, with the burst ratio of 03/2023.

    The edition of 2019 predicts what codecs, random packet loss and delay do, and nothing else, as its authors say
    (Michael, Mittag, Bütow and Möller, Interspeech 2021): its Ro,FB is 148, its Is,FB and echo terms cost nothing. The
    terms of 2023 for noise at either side (clauses 7.2 and 7.3) were found in no source that can be read, and are not
    built.
    """
    i = inputs
    ro = RO_FULLBAND  # clause 7.2
    idd = FULLBAND_STRETCH * absolute_delay(i.ta, i.st, i.mt)  # clause 7.4
    ie_eff = effective_impairment(i.ie, i.bpl, i.ppl, i.burst_r, FULLBAND_CEILING)  # clause 7.5
    r = ro - idd - ie_eff + i.a  # clauses 7.1 and 7.6
    return Rating(r, r_to_mos(r / FULLBAND_STRETCH), ro, 0.0, 0.0, 0.0, idd, idd, ie_eff)


def effective_impairment(
    ie: float, bpl: float, ppl: float, burst_r: float, ceiling: float = NARROWBAND_CEILING
) -> float:
    """Give Ie,eff, the impairment of a codec under packet loss (G.107 7-29).

    Args:
        ie: impairment of the codec without loss.
        bpl: its packet-loss robustness, positive.
        ppl: packet loss, percent.
        burst_r: burst ratio, positive; 1 is random loss.
        ceiling: what total loss tends to, 95 on the narrowband and wideband scales, 132 on the fullband one.
    """
    return ie + (ceiling - ie) * ppl / (ppl / burst_r + bpl)


def absolute_delay(ta_ms: float, st: float = 1.0, mt_ms: float = 100.0) -> float:
    """Give Idd, the impairment by one-way delay alone (G.107 7-27, 7-28)."""
    if ta_ms <= mt_ms:
        return 0.0
    x = math.log2(ta_ms / mt_ms)
    power = 6 * st
    return 25 * (_root(x, power) - 3 * _root(x / 3, power) + 2)


def _root(x: float, power: float) -> float:
    """(1 + x^p)^(1/p), the smooth maximum of 1 and x in which several equations are written."""
    return math.pow(1 + math.pow(x, power), 1 / power)


def _decibel_sum(*levels: float) -> float:
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels))


def _noise(i: NarrowbandInputs) -> float:
    """No, all noises as one at the 0 dBr point (7-3 to 7-7)."""
    olr = i.slr + i.rlr
    nos = i.ps - i.slr - i.ds - 100 + 0.004 * (i.ps - olr - i.ds - 14) ** 2  # 7-4
    pre = i.pr + 10 * math.log10(1 + 10 ** ((10 - i.lstr) / 10))  # 7-6
    nor = i.rlr - 121 + pre + 0.008 * (pre - 35) ** 2  # 7-5
    return _decibel_sum(i.nc, nos, nor, i.nfor + i.rlr)  # 7-3, 7-7


def _loudness(i: NarrowbandInputs, no: float) -> float:
    """Iolr, too loud a connection (7-9, 7-10)."""
    xolr = i.slr + i.rlr + 0.2 * (64 + no - i.rlr)
    return 20 * (_root(xolr / 8, 8) - xolr / 8)


def _sidetone(i: NarrowbandInputs) -> float:
    """Ist, sidetone that is not optimal (7-11, 7-12)."""
    stmro = -10 * math.log10(10 ** (-i.stmr / 10) + math.exp(-i.t / 4) * 10 ** (-i.telr / 10))
    return 12 * _root((stmro - 13) / 6, 8) - 28 * _root((stmro + 1) / 19.4, 35) - 13 * _root((stmro - 3) / 33, 13) + 29


def _quantizing(qdu: float, ro: float) -> float:
    """Iq, quantizing distortion (7-13 to 7-17)."""
    q = 37 - 15 * math.log10(qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (ro - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return 15 * math.log10(1 + 10**y + 10**z)


def _talker_echo(roe: float, re: float, t_ms: float) -> float:
    """Idte (7-19). Under 1 ms the echo counts as sidetone. From 1 to 3 ms it may be slightly negative, as published."""
    if t_ms < 1:
        return 0.0
    return ((roe - re) / 2 + math.sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - math.exp(-t_ms))


def _echo_loss(i: NarrowbandInputs) -> float:
    """TERV without its corrections (7-22)."""
    return i.telr - 40 * math.log10((1 + i.t / 10) / (1 + i.t / 150)) + 6 * math.exp(-0.3 * i.t**2)


def _narrowband_talker_echo(i: NarrowbandInputs, no: float, ist: float) -> float:
    """Idte of G.107 with what sidetone does to it (7-19 to 7-24)."""
    terv = _echo_loss(i) + (ist / 2 if i.stmr < 9 else 0.0)  # 7-23
    idte = _talker_echo(-1.5 * (no - i.rlr), 80 + 2.5 * (terv - 14), i.t)
    return math.hypot(idte, ist) if i.stmr > 20 else idte  # 7-24


def _wideband_talker_echo(i: WidebandInputs, no: float) -> float:
    """Idte,WB of G.107.1 (7-5 to 7-10)."""
    k = 0.08 * i.t + 10 if i.t < 100 else 18.0
    return _talker_echo(-1.5 * (no - i.rlr), 80 + 3 * (_echo_loss(i) + k - 14), i.t)


def _listener_echo(i: NarrowbandInputs, ro: float) -> float:
    """Idle (7-25, 7-26)."""
    rle = 10.5 * (i.wepl + 7) * math.pow(i.tr + 1, -0.25)
    return (ro - rle) / 2 + math.sqrt((ro - rle) ** 2 / 4 + 169)


def r_to_mos(r: float) -> float:
    """Give the MOS-CQE of a rating on the narrowband scale (G.107 Annex B, B-4).

    The polynomial dips under 1 below R = 6.52; it is limited to 1 there, so that MOS never falls while R rises.
    """
    if r <= 0:
        return MOS_MIN
    if r >= 100:
        return MOS_MAX
    return max(MOS_MIN, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mos_to_r(mos: float) -> float:
    """Give the rating on the narrowband scale with this MOS-CQE (G.107 Appendix I), 6.5 to 100.

    Raises:
        ValueError: `mos` is not within 1 to 4.5.
    """
    if not MOS_MIN <= mos <= MOS_MAX:
        raise ValueError(f"mos: {mos} is not within {MOS_MIN:g} to {MOS_MAX:g}")
    h = math.atan2(15 * math.sqrt(-903522 + 1113960 * mos - 202500 * mos**2), 18566 - 6750 * mos) / 3
    return 20 / 3 * (8 - math.sqrt(226) * math.cos(h + math.pi / 3))


def good_or_better_pct(r: float) -> float:
    """Give %GoB: the share of users who would call a connection of this rating good or excellent (G.107 B-1)."""
    return 50 * math.erfc((60 - r) / 16 / math.sqrt(2))


def poor_or_worse_pct(r: float) -> float:
    """Give %PoW: the share of users who would call a connection of this rating poor or bad (G.107 B-2)."""
    return 50 * math.erfc((r - 45) / 16 / math.sqrt(2))
