"""From an analysis to records: integers only, unknown as None, each with a key that makes it the same next time."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import ROUND_HALF_UP, Decimal

from clearline import __version__
from clearline.records.schema import (
    CallRecord,
    ClientReport,
    IntervalRecord,
    MosBasis,
    Record,
    StreamRecord,
    record_key,
)
from clearline.voice.results import Analysis, Call, Reported, Stream


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose capture it is, and how records name it."""

    tenant: str
    customer: str
    service: str
    source: str


def transcribe(analysis: Analysis, owner: Owner) -> list[Record]:
    """Write down every call of an analysis, its streams, their intervals, and what their receivers said of them.

    Streams that no signalling names become calls too: those between the same two addresses are one.
    """
    rows: list[Record] = []
    for call in analysis.calls:
        streams = [analysis.streams[index] for index in call.streams]
        key = record_key(owner.tenant, owner.service, owner.source, "call", call.call_id, call.start_us)
        rows += _with_media(_signalled(key, call, streams, owner, analysis.profile), streams, owner)
    for pair, streams in _unsignalled(analysis).items():
        key = record_key(owner.tenant, owner.service, owner.source, "pair", *sorted(pair))
        rows += _with_media(_unnamed(key, streams, owner, analysis.profile), streams, owner)
    return rows


def _with_media(call: CallRecord, streams: Sequence[Stream], owner: Owner) -> list[Record]:
    rows: list[Record] = [call, *_streams(call.key, streams, owner, call.profile)]
    for stream in streams:
        key = record_key(call.key, stream.index)
        rows += _intervals(key, stream, owner, call.profile)
        if stream.reported is not None:
            rows.append(_report(key, stream, stream.reported, call, owner))
    return rows


def _unsignalled(analysis: Analysis) -> dict[frozenset[str], list[Stream]]:
    claimed = {index for call in analysis.calls for index in call.streams}
    pairs: dict[frozenset[str], list[Stream]] = {}
    for stream in analysis.streams:
        if stream.index not in claimed:
            pairs.setdefault(frozenset((stream.source, stream.destination)), []).append(stream)
    return pairs


def _signalled(key: str, call: Call, streams: Sequence[Stream], owner: Owner, profile: str) -> CallRecord:
    bare = _bare(key, owner, profile, call.start_us, call.end_us)
    told = replace(
        bare,
        call_id=call.call_id,
        caller=call.from_uri,
        callee=call.to_uri,
        answered_us=call.answered_us,
        final_code=call.final_code,
        talk_us=call.talk_us,
        post_dial_delay_us=call.post_dial_delay_us,
        ended_by=call.ended_by,
    )
    return _scored(told, streams)


def _unnamed(key: str, streams: Sequence[Stream], owner: Owner, profile: str) -> CallRecord:
    start_us, end_us = min(stream.start_us for stream in streams), max(stream.end_us for stream in streams)
    return _scored(replace(_bare(key, owner, profile, start_us, end_us), talk_us=end_us - start_us), streams)


def _bare(key: str, owner: Owner, profile: str, start_us: int, end_us: int | None) -> CallRecord:
    """A call of which nothing is known but when and whose."""
    unknown = dict.fromkeys(field.name for field in fields(CallRecord))
    known = {"key": key, "start_us": start_us, "end_us": end_us, "profile": profile, "code_version": __version__}
    return CallRecord(**{**unknown, **asdict(owner), **known})  # every field is given


def _scored(call: CallRecord, streams: Sequence[Stream]) -> CallRecord:
    """Add the quality of a call's streams: each figure is that of the worse direction.

    The MOS is conversational where the delay is known in every scored direction, else listening.
    """
    scored = [stream for stream in streams if stream.quality.g107_mos_lq is not None]
    with_delay = bool(scored) and all(stream.quality.g107_mos_cq is not None for stream in scored)
    mos_lq = _least(lq_x100(stream) for stream in scored)
    mos_cq = _least(cq_x100(stream) for stream in scored) if with_delay else None
    basis: MosBasis | None = "cq" if with_delay else "lq" if scored else None
    worst = min(scored, key=lambda stream: stream.quality.g107_mos_lq or 0.0, default=None)
    delays = [_whole(stream.delay.one_way_us) if stream.delay else None for stream in streams]
    return replace(
        call,
        mos_x100=mos_cq if with_delay else mos_lq,
        mos_basis=basis,
        mos_lq_x100=mos_lq,
        mos_cq_x100=mos_cq,
        loss_ppm=_most(loss_ppm(stream) for stream in streams),
        jitter_us=_most(_whole(stream.regularity.jitter_mean_us) for stream in streams),
        delay_us=None if None in delays else _most(delays),
        video_mos_x100=_least(vq_x100(stream) for stream in streams),
        codec=worst.codec or None if worst else next((stream.codec for stream in streams if stream.codec), None),
    )


def _streams(call_key: str, streams: Iterable[Stream], owner: Owner, profile: str) -> list[StreamRecord]:
    return [
        StreamRecord(
            key=record_key(call_key, stream.index),
            tenant=owner.tenant,
            call_key=call_key,
            start_us=stream.start_us,
            end_us=stream.end_us,
            ssrc=stream.ssrc,
            source=stream.source,
            destination=stream.destination,
            codec=stream.codec or None,
            received=stream.counts.received,
            expected=stream.counts.expected,
            lost=stream.counts.lost,
            duplicates=stream.counts.duplicates,
            reordered=stream.counts.reordered,
            discarded=stream.counts.discarded,
            jitter_mean_us=_whole(stream.regularity.jitter_mean_us),
            jitter_max_us=_whole(stream.regularity.jitter_max_us),
            mos_lq_x100=lq_x100(stream),
            mos_cq_x100=cq_x100(stream),
            measured_by=owner.source,
            code_version=__version__,
            profile=profile,
            payload_type=stream.payload_type,
            clock_rate=stream.clock_rate,
            max_gap_us=stream.regularity.max_gap_us,
            delay_us=_whole(stream.delay.one_way_us) if stream.delay else None,
            r_x100=_hundredths(stream.quality.r),
            burst_density_ppm=_whole(stream.burst.density_pct * 10_000),
            burst_duration_us=_whole(stream.burst.duration_us),
            gap_density_ppm=_whole(stream.burst.gap_density_pct * 10_000),
            gap_duration_us=_whole(stream.burst.gap_duration_us),
            burst_r_x1000=_whole(stream.burst.burst_ratio * 1000),
            model=stream.quality.model,
            unscored=stream.quality.unscored,
        )
        for stream in streams
    ]


def _intervals(stream_key: str, stream: Stream, owner: Owner, profile: str) -> list[IntervalRecord]:
    return [
        IntervalRecord(
            key=record_key(stream_key, interval.start_us),
            tenant=owner.tenant,
            stream_key=stream_key,
            from_us=interval.start_us,
            duration_us=interval.duration_us,
            lost=interval.lost,
            expected=interval.received + interval.lost,
            jitter_us=_whole(interval.jitter_mean_us),
            mos_lq_x100=_hundredths(interval.mos_lq),
            mos_cq_x100=_hundredths(interval.mos_cq),
            measured_by=owner.source,
            code_version=__version__,
            profile=profile,
            received=interval.received,
            discarded=interval.discarded,
            jitter_max_us=_whole(interval.jitter_max_us),
            max_gap_us=interval.max_gap_us,
        )
        for interval in stream.intervals
    ]


def _report(stream_key: str, stream: Stream, said: Reported, call: CallRecord, owner: Owner) -> ClientReport:
    """What a stream's receiver said of it in RTCP."""
    return ClientReport(
        key=record_key(stream_key, "reported"),
        tenant=owner.tenant,
        customer=owner.customer,
        service=owner.service,
        at_us=stream.end_us,
        kind="rtcp" if said.mos_lq is None else "rtcp-xr",
        reporter=stream.destination,
        call_id=call.call_id,
        caller=call.caller,
        callee=call.callee,
        codec=stream.codec or None,
        mos_lq_x100=_hundredths(said.mos_lq),
        mos_cq_x100=_hundredths(said.mos_cq),
        loss_ppm=max(said.lost, 0) * 1_000_000 // stream.counts.expected if stream.counts.expected else None,
        jitter_us=_whole(said.jitter_us),
        delay_us=None,
        round_trip_us=said.round_trip_us,
        source=owner.source,
        code_version=__version__,
        profile=call.profile,
        call_key=call.key,
        stream_key=stream_key,
    )


def lq_x100(stream: Stream) -> int | None:
    """The listening quality on the scale of G.107, in hundredths, rounded half-up."""
    return _hundredths(stream.quality.g107_mos_lq)


def cq_x100(stream: Stream) -> int | None:
    """The conversational quality on the scale of G.107, in hundredths, rounded half-up; None: delay unknown."""
    return _hundredths(stream.quality.g107_mos_cq)


def vq_x100(stream: Stream) -> int | None:
    """The quality of a video stream by G.1070, in hundredths, rounded half-up; None: it is none, or has no score."""
    return _hundredths(stream.video.vq) if stream.video else None


def loss_ppm(stream: Stream) -> int | None:
    """Packets lost, without those that the capture itself missed, in millionths of those expected."""
    counts = stream.counts
    return (counts.lost - counts.capture_lost) * 1_000_000 // counts.expected if counts.expected else None


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _hundredths(mos: float | None) -> int | None:
    return None if mos is None else int((Decimal(repr(mos)) * 100).to_integral_value(ROUND_HALF_UP))


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
