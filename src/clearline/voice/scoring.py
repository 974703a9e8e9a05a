"""A stream's counts to its figures and scores."""

from dataclasses import dataclass

from clearline.voice import intervals, results, streams
from clearline.voice.burst import burst_ratio
from clearline.voice.impairments import codec_impairment
from clearline.voice.inspection.inspector import VIDEO
from clearline.voice.reports import FarEnd
from clearline.voice.scores import Score, mos_of, mouth_to_ear_ms, rating, score
from clearline.voice.variation import percentile_us

NO_CODEC = "the codec is not known: no session description names its payload type"

NOT_SPEECH = {"CN": "it is comfort noise only", "telephone-event": "it is telephone events only"}
"""Encoding name → why a stream of it has no score."""

NOT_RATED = "it is video, which the E-model does not rate"

SKEW_INTERVALS = 6
"""Clock skew is told from a minute on: before that jitter hides it."""


@dataclass(slots=True)
class Heard:
    """What the listener missed, of a stream or a part of it."""

    bad: int
    """Packets lost or discarded, and not put back from redundancy."""
    total: int
    runs: int
    """Runs of consecutive bad packets."""

    def without(self, missed: list[int]) -> "Heard":
        """Leave out runs of packets that the capture missed, as many as are still missing."""
        left_out = min(sum(missed), self.bad)
        bad = self.bad - left_out
        return Heard(bad, self.total - left_out, min(bad, max(self.runs - len(missed), bool(bad))))


@dataclass(slots=True)
class Scale:
    """How one stream is scored."""

    codec: str
    """As the impairment tables name it; "" when not known."""
    profile: str
    ta_ms: float | None
    """Mouth-to-ear delay."""

    def score(self, heard: Heard) -> Score:
        """Score a stream or a part of it."""
        if not self.codec:
            return Score(codec="", profile=self.profile, unscored=NO_CODEC)
        if self.codec in NOT_SPEECH:
            return Score(codec=self.codec, profile=self.profile, unscored=NOT_SPEECH[self.codec])
        if self.codec.lower() in VIDEO:
            return Score(codec=self.codec, profile=self.profile, unscored=NOT_RATED)
        if not heard.total:
            return Score(codec=self.codec, profile=self.profile, unscored="no packet was due")
        return score(
            self.codec,
            profile=self.profile,
            ppl=100 * heard.bad / heard.total,
            burst_r=burst_ratio(heard.bad, heard.runs, heard.total),
            ta_ms=self.ta_ms,
        )

    def part(self, heard: Heard, longer_us: int = 0) -> tuple[float | None, float | None]:
        """Give MOS-LQ and MOS-CQ of an interval, as `score` does.

        Args:
            heard: what the listener missed in it.
            longer_us: by how much its delay was longer than the stream's. Ta is taken to the whole ms then.
        """
        row = codec_impairment(self.codec, self.profile) if self.codec and heard.total else None
        if row is None or (row.bpl is None and heard.bad):
            return None, None
        ppl, burst_r = 100 * heard.bad / heard.total, burst_ratio(heard.bad, heard.runs, heard.total)
        lq = mos_of(row, rating(row, ppl, burst_r, 0.0))
        if self.ta_ms is None:
            return lq, None
        ta_ms = float(round(max(self.ta_ms + longer_us / 1000, 0))) if longer_us else self.ta_ms
        return lq, mos_of(row, rating(row, ppl, burst_r, ta_ms))


def packet_us(stream: streams.Stream) -> float | None:
    """Give the speech in one packet."""
    if stream.clock == 0 or stream.frame_ticks <= 0:
        return None
    return int(stream.frame_ticks) * 1_000_000 / int(stream.clock)


def heard(stream: streams.Stream, outage_us: int, holes: set[int]) -> Heard:
    """Sum up a stream.

    An outage at its end counts as the packets that would have filled it; what the capture missed does not count.

    Args:
        stream: the stream.
        outage_us: length of the outage at its end.
        holes: the holes that are the capture's own.
    """
    length_us = packet_us(stream)
    silent = int(outage_us / length_us) if length_us else 0
    losses = stream.losses
    missed = [lost for hole, _, lost in stream.losses.holed if hole in holes]
    repaired, runs = (0, losses.runs) if losses.repairs is None else (losses.repairs.repaired, losses.repairs.runs)
    bad = int(losses.lost + losses.discarded - repaired) + silent
    return Heard(bad, int(stream.expected()) + silent, int(runs) + (silent > 0)).without(missed)


def delay(stream: streams.Stream, codec: str, ends: list[FarEnd]) -> results.Delay | None:
    """Give the delay from round trips: from the point of capture to one end and back, and to the other and back."""
    if not ends:
        return None
    trips_us = [end.round_trip_us or 0 for end in ends]
    length_us = packet_us(stream)
    ta_ms = mouth_to_ear_ms(
        codec,
        round_trip_ms=sum(trips_us) / 1000,
        buffer_ms=int(stream.delay_sum_us()) / max(int(stream.judged()), 1) / 1000,
        packet_ms=length_us / 1000 if length_us else None,
    )
    basis = "both directions" if len(trips_us) == 2 else "one direction"
    return results.Delay(sum(trips_us) // 2, basis, round(ta_ms * 1000))


def quality(scale: Scale, whole: Heard, parts: tuple[results.Interval, ...]) -> results.Quality:
    """Score a stream."""
    scored = scale.score(whole)
    row = codec_impairment(scale.codec, scale.profile)
    lowest = [part.mos_lq for part in parts if part.mos_lq is not None]
    return results.Quality(
        model=row.model if row else None,
        impairment=None if row is None else (row.ie, row.bpl, row.source),
        r=scored.r,
        mos_lq=scored.mos_lq,
        mos_cq=scored.mos_cq,
        mos_lq_min=min(lowest, default=None),
        g107_mos_lq=scored.narrowband_mos_lq,
        g107_mos_cq=scored.narrowband_mos_cq,
        conversion=scored.conversion,
        unscored=scored.unscored,
    )


def parts(
    stream: streams.Stream, scale: Scale, holes: set[int], whole: results.Delay | None, delays: list[int | None]
) -> tuple[results.Interval, ...]:
    """Score a stream's intervals, without what the capture missed.

    Args:
        stream: the stream.
        scale: how it is scored.
        holes: the holes that are the capture's own.
        whole: its delay.
        delays: that of each interval, where `whole` is known, see `delays.by_interval`.
    """
    missed: dict[int, list[int]] = {}
    for hole, index, lost in stream.losses.holed:
        if hole in holes:
            missed.setdefault(index, []).append(lost)
    repairs = stream.losses.repairs
    scored = []
    for i, interval in enumerate(stream.intervals):
        delay_us = None if whole is None else delays[i]
        longer_us = 0 if whole is None or delay_us is None else delay_us - whole.one_way_us
        heard = _heard(interval, None if repairs is None else repairs.sums(i)).without(missed.get(i, []))
        scored.append(_part(stream, interval, delay_us, scale.part(heard, longer_us)))
    return tuple(scored)


def _heard(interval: intervals.Interval, left: list[int] | None) -> Heard:
    """Sum up an interval; `left`: packets repaired in it and runs that stay bad, where there is redundancy."""
    received, lost, discarded = int(interval.received), int(interval.lost), int(interval.discarded)
    repaired, runs = (0, int(interval.runs)) if left is None else left
    return Heard(lost + discarded - repaired, received + lost, runs)


def _part(
    stream: streams.Stream,
    interval: intervals.Interval,
    delay_us: int | None,
    mos: tuple[float | None, float | None],
) -> results.Interval:
    samples = int(interval.samples)
    us_per_tick = stream.us_per_tick
    return results.Interval(
        start_us=interval.start_us,
        duration_us=max(0, min(intervals.INTERVAL_US, stream.seen_us - interval.start_us)),
        received=interval.received,
        lost=interval.lost,
        discarded=interval.discarded,
        jitter_mean_us=interval.jitter_sum / samples * us_per_tick if samples else None,
        jitter_max_us=interval.jitter_max * us_per_tick if samples else None,
        max_gap_us=interval.max_gap_us,
        mos_lq=mos[0],
        mos_cq=mos[1],
        delay_us=delay_us,
    )


def counts(stream: streams.Stream, holes: set[int]) -> results.Counts:
    """Copy a stream's counts."""
    losses = stream.losses
    return results.Counts(
        received=stream.received,
        expected=stream.expected(),
        lost=losses.lost,
        duplicates=stream.duplicates,
        capture_duplicates=stream.capture_duplicates,
        reordered=stream.reordered,
        discarded=losses.discarded,
        capture_lost=sum(lost for hole, _, lost in stream.losses.holed if hole in holes),
        octets=stream.octets,
        restarts=stream.restarts,
        payload_changes=stream.payload_changes,
        events=stream.events,
        noises=stream.noises,
        pauses=stream.pauses,
    )


def regularity(stream: streams.Stream, outage_us: int) -> results.Regularity:
    """Work out how regularly a stream came."""
    samples = int(stream.samples)
    known = samples > 0
    return results.Regularity(
        jitter_mean_us=stream.jitter_sum / samples * stream.us_per_tick if known else None,
        jitter_max_us=max(i.jitter_max for i in stream.intervals) * stream.us_per_tick if known else None,
        mapdv2_us=stream.deviation_sum_us / samples if known else None,
        pdv_us=(
            int(percentile_us(stream.variation, 50)),
            int(percentile_us(stream.variation, 95)),
            int(percentile_us(stream.variation, 99)),
        )
        if known
        else None,
        skew_ppm=_skew_ppm(stream),
        max_gap_us=max(int(i.max_gap_us) for i in stream.intervals),
        outage_us=outage_us,
    )


def _skew_ppm(stream: streams.Stream) -> float | None:
    """Give the clocks' difference: how the least transit of whole intervals moved."""
    known = [i for i in stream.intervals[:-1] if i.earliest_us != intervals.NO_TRANSIT]
    if len(known) < SKEW_INTERVALS or stream.discontinuities or stream.restarts:
        return None
    drift_us = int(known[-1].earliest_us - known[0].earliest_us)
    return -1_000_000 * drift_us / int(known[-1].start_us - known[0].start_us)


def burst(stream: streams.Stream, whole: Heard) -> results.Burst:
    """Work out bursts and gaps as `clearline.voice.burst.measure` defines them."""
    losses = stream.losses
    length_us = packet_us(stream) or 0.0
    bursts, burst_packets, burst_bad = int(losses.bursts), int(losses.burst_packets), int(losses.burst_bad)
    gap_packets = int(stream.expected()) - burst_packets
    gap_bad = int(losses.lost + losses.discarded) - burst_bad
    return results.Burst(
        bursts=bursts,
        density_pct=100 * burst_bad / burst_packets if bursts else 0.0,
        duration_us=burst_packets * length_us / max(bursts, 1),
        gap_density_pct=100 * gap_bad / gap_packets if gap_packets else 0.0,
        gap_duration_us=gap_packets * length_us / max(bursts, 1),
        burst_ratio=burst_ratio(whole.bad, whole.runs, whole.total),
    )


def reported(stream: streams.Stream, far_end: FarEnd | None) -> results.Reported | None:
    """Copy what the receiver said."""
    if far_end is None:
        return None
    metrics = far_end.metrics
    return results.Reported(
        reports=int(far_end.reports),
        lost=int(far_end.lost),
        worst_loss_pct=int(far_end.fraction_max) * 100 / 256,
        jitter_us=float(far_end.jitter) * stream.us_per_tick if stream.clock else None,
        round_trip_us=far_end.round_trip_us,
        mos_lq=_tenths(metrics.mos_lq_x10) if metrics else None,
        mos_cq=_tenths(metrics.mos_cq_x10) if metrics else None,
        r=metrics.r if metrics else None,
    )


def _tenths(value: int | None) -> float | None:
    return None if value is None else value / 10
