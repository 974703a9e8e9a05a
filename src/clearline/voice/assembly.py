"""A session that was read to its end, made into the analysis: the streams, whose they are, and the calls."""

from clearline.voice import content, delays, pictures, results, scoring, streams
from clearline.voice.call import Call, Medium
from clearline.voice.calls import MAX_MESSAGES
from clearline.voice.formats import Format
from clearline.voice.reports import FarEnd
from clearline.voice.session import Session
from clearline.voice.sipmeasures import measures
from clearline.voice.wire.rtp import STATIC, plausible_payload_type

MIN_PACKETS = 10
"""An unannounced stream has at least so many packets; fewer that look like RTP are chance."""

NEAR_NUMBERS = 100
"""Two streams that end with sequence numbers so close, at one time and of one SSRC, are one seen twice."""

STOPPED_US = 2_000_000
"""Media silent this long before the call's end, without a hold or pauses before, has stopped: an outage."""

MIN_TALK_US = 2_000_000
"""A shorter talk is not flagged for missing audio."""


class Assembly:
    """Makes the analysis of one session.

    Args:
        session: read to its end.
        profile: the impairment tables' profile.
        buffer: the de-jitter buffer's name.
    """

    def __init__(self, session: Session, profile: str, buffer: str) -> None:
        self.session = session
        self.profile = profile
        self.buffer = buffer
        self.undecoded = 0
        self.kept: list[streams.Stream] = []
        self.owners: dict[int, Medium] = {}
        """Index of a stream in the session → the endpoint it is sent to or from."""
        self.holes: set[int] = set()
        """Those of the session's holes that are the capture's own."""
        self.collided: set[int] = set()
        """Indices in the session of the streams whose SSRC another source used at the same time."""
        self.by_flow: dict[tuple[int, int, int], int] = {}
        """Source, destination and ports → SSRC."""

    def analysis(self, source: str, end: str) -> results.Analysis:
        """Make the analysis.

        Args:
            source: what to call the capture.
            end: what is wrong with its end.
        """
        session = self.session
        loop = session.loop
        self._choose()
        self.collided = _collided(self.kept)
        begins_us, ends_us = sorted(s.first_us for s in self.kept), sorted(s.seen_us for s in self.kept)
        self.holes = loop.holes.of_capture([int(us) for us in begins_us], [int(us) for us in ends_us])
        signalling = measures(session.book)
        scored = self._scored()
        return results.Analysis(
            source=source,
            packets=loop.reader.records,
            undecoded=loop.undecoded + session.undecoded + self.undecoded,
            malformed=loop.malformed + loop.reader.malformed + session.malformed + session.connections.malformed,
            first_us=loop.first_us,
            last_us=loop.last_us,
            profile=self.profile,
            playout=self.buffer,
            calls=self._calls(scored),
            streams=scored,
            sip=signalling,
            sip_messages=session.book.messages,
            rtcp_packets=session.reports.packets,
            capture=results.CaptureHealth(
                dropped=loop.reader.dropped(),
                holes=len(self.holes),
                lost_in_holes=sum(int(loop.holes.found[index].lost) for index in self.holes),
                missing_segments=session.connections.missing,
                encrypted=len(session.connections.encrypted),
                backwards=loop.backwards,
                fragments_given_up=loop.fragments.given_up,
                not_followed=loop.not_followed + session.book.passed_over,
                end=end,
                unread=session.connections.unread,
            ),
        )

    def _choose(self) -> None:
        """Keep the streams that a call announced, and of the others those that are RTP beyond chance."""
        session = self.session
        for stream in session.loop.streams:
            stream.finish()
            owner = session.owners[stream.index]
            if owner is not None:
                self.owners[stream.index] = owner
                owner.seen_us = max(owner.seen_us, stream.seen_us)
            elif not _looks_like_rtp(stream):
                self.undecoded += stream.received + stream.duplicates + stream.strays
                continue
            self.kept.append(stream)
            self.by_flow[stream.source, stream.destination, stream.ports] = stream.ssrc

    def _scored(self) -> tuple[results.Stream, ...]:
        """Score the streams, letting go of each: its memory is the next one's results'."""
        loop = self.session.loop
        loop.streams.clear()
        loop.buckets.clear()
        for medium in self.owners.values():
            medium.streams.clear()
        self.kept.reverse()
        scored: list[results.Stream] = []
        while self.kept:
            scored.append(self._stream(len(scored), self.kept.pop()))
        return tuple(scored)

    def _stream(self, index: int, stream: streams.Stream) -> results.Stream:
        """Score one stream."""
        session = self.session
        owner = self.owners.get(stream.index)
        known = _format(stream, owner)
        end_us = max(stream.first_us, stream.seen_us)  # a capture's clock may have stepped back meanwhile
        codec = content.codec(stream, known, int(end_us - stream.first_us))
        outage_us = self._outage_us(stream, owner)
        ends = self._far_ends(stream)
        delay = scoring.delay(stream, codec, ends)
        scale = scoring.Scale(codec, self.profile, delay.mouth_to_ear_us / 1000 if delay else None)
        whole = scoring.heard(stream, outage_us, self.holes)
        parts = scoring.parts(stream, scale, self.holes, delay, delays.by_interval(stream.intervals, ends))
        level, level_unknown = content.level(stream, known)
        video = pictures.video(stream, known)
        return results.Stream(
            index=index,
            call_id=owner.call.call_id if owner else None,
            from_caller=None if owner is None else owner.caller == session.sent_from[stream.index],
            ssrc=stream.ssrc,
            source=session.addresses.endpoint(stream.source, stream.ports >> 16),
            destination=session.addresses.endpoint(stream.destination, stream.ports & 0xFFFF),
            payload_type=content.payload_type(stream),
            codec=known.encoding,
            clock_rate=stream.clock or None,
            clock_guessed=stream.guessed,
            packet_us=scoring.packet_us(stream),
            secure=owner is not None and owner.section(stream.payload_type).secure,
            start_us=stream.first_us,
            end_us=end_us,
            counts=scoring.counts(stream, self.holes),
            regularity=scoring.regularity(stream, outage_us),
            burst=scoring.burst(stream, whole),
            delay=delay,
            quality=scoring.quality(scale, whole, parts),
            reported=scoring.reported(stream, session.reports.far_end(stream.source, stream.destination, stream.ssrc)),
            flags=_flags(stream, outage_us, level, collided=stream.index in self.collided),
            intervals=parts,
            undescribed=stream.inspector.undescribed,
            malformed_payloads=stream.inspector.malformed,
            redundancy=content.redundancy(stream, self.holes),
            level=level,
            level_unknown=level_unknown,
            video=video,
            digits=content.digits(stream),
            digit_count=stream.inspector.events.count if stream.inspector.events else 0,
        )

    def _outage_us(self, stream: streams.Stream, owner: Medium | None) -> int:
        """Give how long before the end of its answered call a stream's packets stopped coming."""
        if owner is None or owner.call.end_us is None or owner.call.answered_us is None:
            return 0
        call = owner.call
        silent_us = owner.call.end_us - int(stream.seen_us)
        if silent_us <= STOPPED_US or call.held or call.fax or stream.pauses > 1 or stream.noises:
            return 0
        if stream.seen_us < owner.call.answered_us:  # early media, ended by the answer
            return 0
        return 0 if owner.seen_us > stream.seen_us else silent_us

    def _far_ends(self, stream: streams.Stream) -> list[FarEnd]:
        """Find the stream's receiver and its sender, as far as their reports told a round trip to them."""
        reports = self.session.reports
        ends = [reports.far_end(stream.source, stream.destination, stream.ssrc)]
        ports = (stream.ports & 0xFFFF) << 16 | stream.ports >> 16
        opposite = self.by_flow.get((stream.destination, stream.source, ports))
        if opposite is not None:
            ends.append(reports.far_end(stream.destination, stream.source, opposite))
        return [end for end in ends if end is not None and end.trips]

    def _calls(self, scored: tuple[results.Stream, ...]) -> tuple[results.Call, ...]:
        """Give each call its streams, letting go of what was noted of it."""
        by_call: dict[str, list[results.Stream]] = {}
        for stream in scored:
            if stream.call_id is not None:
                by_call.setdefault(stream.call_id, []).append(stream)
        calls = list(self.session.book.calls.values())
        self.session.forget()
        self.owners.clear()
        calls.reverse()
        found: list[results.Call] = []
        while calls:
            call = calls.pop()
            found.append(_call(call, self._ladder(call), by_call.get(call.call_id, []), with_media=bool(scored)))
            call.messages.clear()
        return tuple(found)

    def _ladder(self, call: Call) -> tuple[results.LadderMessage, ...]:
        """Write out a call's messages, each endpoint once."""
        texts: dict[int, str] = {}
        for message in call.messages[:MAX_MESSAGES]:
            for endpoint in (int(message.source), int(message.destination)):
                if endpoint not in texts:
                    texts[endpoint] = self.session.addresses.endpoint(endpoint >> 16, endpoint & 0xFFFF)
        return tuple(
            results.LadderMessage(m.at_us, texts[m.source], texts[m.destination], m.text, m.has_body, m.repeated)
            for m in call.messages[:MAX_MESSAGES]
        )


def _format(stream: streams.Stream, owner: Medium | None) -> Format:
    """Find what a stream's payload type is: by its endpoint's description, else by RFC 3551."""
    payload_type = content.payload_type(stream)
    known = owner.section(payload_type).by_type.get(payload_type) if owner else None
    if known is None or not known.encoding:
        encoding, clock = STATIC.get(payload_type, ("", 0))
        known = Format(encoding, clock, "")
    if known.encoding.lower() == "red" and owner is not None:
        primary = _primary(stream, known)
        return owner.section(primary).by_type.get(primary, known)
    return known


def _primary(stream: streams.Stream, redundant: Format) -> int:
    """Find the payload type inside redundant audio data: as seen, else the first that the description names."""
    blocks = stream.inspector.blocks
    if blocks is not None and blocks.primary >= 0:
        return int(blocks.primary)
    named = redundant.parameters.partition("/")[0].strip()
    return int(named) if named.isascii() and named.isdigit() and len(named) <= 3 else -1


def _looks_like_rtp(stream: streams.Stream) -> bool:
    """Tell whether packets that no call announced are a stream: enough, in sequence, of a payload type in use."""
    return (
        stream.received >= MIN_PACKETS
        and stream.losses.lost * 2 <= stream.expected()
        and stream.strays * 4 <= stream.received
        and plausible_payload_type(stream.payload_type)
        and stream.ports >> 16 >= 1024
        and stream.ports & 0xFFFF >= 1024
    )


def _collided(kept: list[streams.Stream]) -> set[int]:
    """Find SSRCs that two sources used towards one receiver at one time (RFC 3550 section 8.2).

    The same sequence numbers from both are no collision: one stream was captured on both sides of a translation.
    """
    latest: dict[int, streams.Stream] = {}
    found: set[int] = set()
    for stream in kept:
        receiver = (int(stream.destination) << 16 | stream.ports & 0xFFFF) << 32 | stream.ssrc
        other = latest.get(receiver)
        latest[receiver] = stream
        if other is not None and other.first_us <= stream.seen_us and stream.first_us <= other.seen_us:
            apart = (other.highest - stream.highest + NEAR_NUMBERS) & 0xFFFF
            if apart > 2 * NEAR_NUMBERS:
                found |= {int(other.index), int(stream.index)}
    return found


def _flags(stream: streams.Stream, outage_us: int, level: results.Level | None, *, collided: bool) -> tuple[str, ...]:
    named = {
        "ssrc_collision": collided,
        "silence": level is not None and level.silent,
        "media_stopped": outage_us > 0,
        "mirrored_twice": stream.capture_duplicates * 2 > stream.received,
        "sequence_restarted": stream.restarts > 0,
        "time_base_jumped": stream.discontinuities > 0,
        "codec_changed": stream.payload_changes > 0,
    }
    return tuple(name for name, holds in named.items() if holds)


def _call(
    call: Call, ladder: tuple[results.LadderMessage, ...], scored: list[results.Stream], *, with_media: bool
) -> results.Call:
    lq = [stream.quality.mos_lq for stream in scored if stream.quality.mos_lq is not None]
    cq = [stream.quality.mos_cq for stream in scored if stream.quality.mos_cq is not None]
    rung_us = call.ringing_us if call.ringing_us is not None else call.answered_us
    known_end = call.bye_us is not None and call.bye_answered_us is not None
    return results.Call(
        call_id=call.call_id,
        linked=call.first.call_id if call.first else None,
        link_basis=call.link_basis,
        from_uri=call.from_uri,
        to_uri=call.to_uri,
        start_us=call.start_us,
        answered_us=call.answered_us,
        end_us=call.end_us,
        final_code=call.final_code,
        post_dial_delay_us=None if rung_us is None else rung_us - call.start_us,
        disconnect_delay_us=(call.bye_answered_us or 0) - (call.bye_us or 0) if known_end else None,
        ended_by=call.ended_by,
        challenges=call.challenges,
        retransmissions=call.retransmissions,
        forks=len(call.forks),
        hops=call.hops(),
        changes=call.changes,
        transfers=call.transfers,
        fax=call.fax,
        streams=tuple(stream.index for stream in scored),
        mos_lq=min(lq, default=None),
        mos_cq=min(cq, default=None),
        flags=_call_flags(call, scored, with_media=with_media),
        ladder=ladder,
        message_count=call.message_count,
    )


def _call_flags(call: Call, scored: list[results.Stream], *, with_media: bool) -> tuple[str, ...]:
    """Say what is wrong with a call; missing audio only where the capture has media at all, and not of a second leg."""
    flags = []
    talked = call.answered_us is not None and call.end_us is not None and call.end_us - call.answered_us > MIN_TALK_US
    if talked and with_media and not call.held and not call.fax and call.first is None:
        heard = [stream for stream in scored if stream.video is None]
        directions = {stream.from_caller for stream in heard if stream.end_us > (call.answered_us or 0)}
        if not directions:
            flags.append("no_audio")
        elif len(directions) == 1:
            flags.append("one_way_audio")
    flags += [name for name in ("media_stopped", "silence") if any(name in stream.flags for stream in scored)]
    if call.end_us is None:
        flags.append("end_not_captured")
    return tuple(flags)
