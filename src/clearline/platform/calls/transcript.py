"""From an analysis to records: integers only, unknown as None, each with a key that makes it the same next time."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import ROUND_HALF_UP, Decimal

from clearline import __version__
from clearline.records.schema import CallRecord, MosBasis, StreamRecord, record_key
from clearline.voice.results import Analysis, Call, Stream


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose capture it is, and how records name it."""

    tenant: str
    customer: str
    service: str
    source: str


def transcribe(analysis: Analysis, owner: Owner) -> list[CallRecord | StreamRecord]:
    """Write down every call and stream of an analysis.

    Streams that no signalling names become calls too: those between the same two addresses are one.
    """
    rows: list[CallRecord | StreamRecord] = []
    for call in analysis.calls:
        streams = [analysis.streams[index] for index in call.streams]
        key = record_key(owner.tenant, owner.service, owner.source, "call", call.call_id, call.start_us)
        rows.append(_signalled(key, call, streams, owner, analysis.profile))
        rows += _streams(key, streams, owner, analysis.profile)
    for pair, streams in _unsignalled(analysis).items():
        key = record_key(owner.tenant, owner.service, owner.source, "pair", *sorted(pair))
        rows.append(_unnamed(key, streams, owner, analysis.profile))
        rows += _streams(key, streams, owner, analysis.profile)
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
            model=stream.quality.model,
            unscored=stream.quality.unscored,
        )
        for stream in streams
    ]


def lq_x100(stream: Stream) -> int | None:
    """The listening quality on the scale of G.107, in hundredths, rounded half-up."""
    return _hundredths(stream.quality.g107_mos_lq)


def cq_x100(stream: Stream) -> int | None:
    """The conversational quality on the scale of G.107, in hundredths, rounded half-up; None: delay unknown."""
    return _hundredths(stream.quality.g107_mos_cq)


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
