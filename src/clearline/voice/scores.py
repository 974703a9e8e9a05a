"""From what a listener heard to the scores of a call: where codec, loss, bursts and delay meet the E-model.

- MOS-LQ, listening: no delay at all (Ta = T = Tr = 0); known whenever the codec can be scored.
- MOS-CQ, conversational: with Ta, T = Ta, Tr = 2 Ta and TELR = 65 dB; None while the delay is not known.

A wideband or fullband call is rated on its own scale, and once more on the narrowband scale of G.107 for agreements
that name it. `planning` and `measured` read its R on the narrowband curve: the scales of G.107.1 and G.107.2 are its
own drawn out upwards, on which a clean narrowband call keeps its 93.2 (G.113 bridges Ie by 129 - 93.2 and 148 - 93.2),
so that R says the same on all three and only the curve to MOS differs; from R = 100 up MOS is 4.5. `calibrated` uses
constants fitted to P.862.1 on the same audio instead.
"""

from dataclasses import dataclass
from functools import lru_cache

from clearline.voice.codecs import look_ahead_ms, packetization_ms
from clearline.voice.emodel import (
    FULLBAND_CEILING,
    NARROWBAND_CEILING,
    STRETCH,
    FullbandInputs,
    NarrowbandInputs,
    WidebandInputs,
    effective_impairment,
    fullband,
    narrowband,
    r_to_mos,
    refuse_incomputable,
    wideband,
)
from clearline.voice.impairments import Impairment, codec_impairment, narrowband_equivalent, unscored_reason

TELR_DB = 65.0
"""Talker echo loudness rating where the echo path isn't known: the Recommendation's default."""

BY_RATING = "R of the codec's own scale read on the narrowband curve of G.107"
BY_FIT = "constants fitted to P.862.1 on the same audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A stream's score, or why it has none.

    Attributes:
        codec: the row of the impairment table.
        profile: planning, measured or calibrated.
        model: G.107, G.107.1 or G.107.2: the scale of `r`, `mos_lq`, `mos_cq`; None without a score.
        source: where the codec's constants come from.
        r: listening rating.
        mos_lq: listening score.
        r_cq: conversational rating; None: the delay is not known.
        mos_cq: conversational score; None likewise.
        narrowband_mos_lq: the listening score on the scale of G.107; equals `mos_lq` for a narrowband codec.
        narrowband_mos_cq: the conversational one.
        conversion: how the narrowband scores of another scale were made; None where there was nothing to convert.
        unscored: why there is no score, in a sentence; None: there is one.
    """

    codec: str
    profile: str
    model: str | None = None
    source: str | None = None
    r: float | None = None
    mos_lq: float | None = None
    r_cq: float | None = None
    mos_cq: float | None = None
    narrowband_mos_lq: float | None = None
    narrowband_mos_cq: float | None = None
    conversion: str | None = None
    unscored: str | None = None


def score(
    codec: str, *, profile: str = "planning", ppl: float = 0.0, burst_r: float = 1.0, ta_ms: float | None = None
) -> Score:
    """Score what a listener heard.

    Args:
        codec: a name of the impairment tables or of SDP, see `codecs.codec_name`.
        profile: one of `impairments.PROFILES`.
        ppl: packets not played, percent: lost in the network or discarded by the de-jitter buffer.
        burst_r: burst ratio of those, at least 1.
        ta_ms: mouth-to-ear delay one way, see `mouth_to_ear_ms`; None: not known.

    Raises:
        ValueError: no such profile, or a figure that the model can't be computed with.
    """
    row = codec_impairment(codec, profile)
    reason = unscored_reason(codec, profile, lossy=ppl > 0)
    if row is None or reason is not None:
        return Score(codec=row.codec if row else codec, profile=profile, unscored=reason)
    r = rating(row, ppl, burst_r, 0.0)
    r_cq = None if ta_ms is None else rating(row, ppl, burst_r, ta_ms)
    fitted = narrowband_equivalent(row.codec, profile)
    return Score(
        codec=row.codec,
        profile=profile,
        model=row.model,
        source=row.source,
        r=r,
        mos_lq=mos_of(row, r),
        r_cq=r_cq,
        mos_cq=None if r_cq is None else mos_of(row, r_cq),
        narrowband_mos_lq=r_to_mos(rating(fitted, ppl, burst_r, 0.0) if fitted else r),
        narrowband_mos_cq=None
        if ta_ms is None or r_cq is None
        else r_to_mos(rating(fitted, ppl, burst_r, ta_ms) if fitted else r_cq),
        conversion=BY_FIT if fitted else None if row.model == "G.107" else BY_RATING,
    )


def rating(row: Impairment, ppl: float, burst_r: float, ta_ms: float) -> float:
    """Rate a codec under loss and one-way delay on the scale of its row, echo included.

    R is a sum of which the codec and the loss are one term, Ie,eff (G.107 7-1, G.107.1 7-1, G.107.2 7-1).

    A row without Bpl is for streams without loss, see `unscored_reason`.

    Raises:
        ValueError: a figure is outside what the model can be computed with.
    """
    return _without_codec(row.model, ta_ms) - loss_impairment(row, ppl, burst_r)


def mos_of(row: Impairment, r: float) -> float:
    """Give the score of a rating on the scale of a row."""
    return r_to_mos(r / STRETCH[row.model])


@lru_cache(maxsize=16_384)
def _without_codec(model: str, ta_ms: float) -> float:
    """Rate a connection whose codec costs nothing."""
    settings = {"ta": ta_ms, "t": ta_ms, "tr": 2 * ta_ms, "telr": TELR_DB}
    if model == "G.107":
        return narrowband(NarrowbandInputs(**settings)).r
    if model == "G.107.1":
        return wideband(WidebandInputs(**settings)).r
    return fullband(FullbandInputs(**settings)).r


def loss_impairment(row: Impairment, ppl: float, burst_r: float) -> float:
    """Give Ie,eff of a codec under loss.

    Raises:
        ValueError: a figure is outside what the model can be computed with.
    """
    refuse_incomputable("ppl", ppl)
    refuse_incomputable("burst_r", burst_r)
    if row.bpl is None:
        return row.ie
    if row.ceiling is not None:  # bursts must not carry it past what total loss costs
        return min(effective_impairment(row.ie, row.bpl, ppl, burst_r**row.burst_exponent, row.ceiling), row.ceiling)
    if row.model == "G.107.1":
        return effective_impairment(row.ie, row.bpl, ppl, 1.0)
    ceiling = FULLBAND_CEILING if row.model == "G.107.2" else NARROWBAND_CEILING
    return effective_impairment(row.ie, row.bpl, ppl, burst_r, ceiling)


def mouth_to_ear_ms(codec: str, *, round_trip_ms: float, buffer_ms: float, packet_ms: float | None = None) -> float:
    """Give Ta, the one-way delay from mouth to ear.

    Half the network's round trip, the time to fill a packet, the codec's look-ahead, and the de-jitter buffer. The
    codec's frame is part of the packet's time and not added again.

    Args:
        codec: a name of the impairment tables.
        round_trip_ms: of the network, from RTCP (RFC 3550 6.4.1: arrival - LSR - DLSR).
        buffer_ms: mean delay of the de-jitter buffer.
        packet_ms: length of a packet; None: the codec's usual one.
    """
    packet_ms = packetization_ms(codec) if packet_ms is None else packet_ms
    return round_trip_ms / 2 + packet_ms + look_ahead_ms(codec) + buffer_ms
