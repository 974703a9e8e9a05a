"""One call over a link: its signalling, and the socket of its audio."""

import asyncio
import secrets
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from clearline.sensors.probe import speech
from clearline.sensors.probe.call import EVENT_TYPE, Answered, CallProbe, invite_request
from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.links import Link, Place, bound_towards
from clearline.sensors.probe.media import PACKET_US, Speaker, Trace, received_samples, released_key
from clearline.sensors.probe.outcome import MediaFigures, Outcome, unreachable
from clearline.sensors.probe.pesq import pesq_x100
from clearline.sensors.probe.srtp import KEY_BYTES, SUITE, Srtp, key_of
from clearline.sensors.probe.target import Target
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sdp

SO_TIMESTAMPNS = 35
"""Linux, socket(7): the kernel tells when a datagram came. Python has no name for it."""

RELAY = "look at the media relay, its port range and the packet filter"

SRTP = f"SRTP by SDES ({SUITE})"
NOT_ACCEPTABLE = 488
NOT_ENCRYPTING = "488 Not Acceptable Here: the other side does not encrypt as we do"

SETTLE_S = 0.15
"""Between the answer and the first audio: the ACK passes more hosts than the audio does, and opens the other side's."""

TAIL_US = 200_000
"""After the last packet was sent: what is still on its way back is awaited this long."""


def _wall_us() -> int:
    return time.time_ns() // 1000


class _Signalling:
    """Carries the SIP side."""

    def __init__(self, link: Link, call: CallProbe, trace: Trace) -> None:
        self._link = link
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._own: Place = (link.local.host, link.local.port)
        self.answered: asyncio.Future[Answered | None] = self._loop.create_future()
        """None when the call ended unanswered."""
        self.over: asyncio.Future[Outcome] = self._loop.create_future()
        self.call = call
        link.attach(self)
        self.pump()

    def now_us(self) -> int:
        return int(self._loop.time() * 1_000_000)

    def received(self, data: bytes, source: Place) -> None:
        self._trace.add(_wall_us(), source, self._own, data)
        self._step(lambda now_us: self.call.receive(data, source, now_us))

    def failed(self, reason: str, advice: str) -> None:
        self._step(lambda now_us: self.call.transport_failed(reason, advice, now_us))

    def _step(self, step: Callable[[int], None]) -> None:
        """Go on; what breaks is our fault and reaches whoever waits, who else would wait for ever."""
        try:
            step(self.now_us())
            self.pump()
        except Exception as error:  # noqa: BLE001  # the event loop would only log it
            for awaited in (self.answered, self.over):
                if not awaited.done():
                    awaited.set_exception(error)

    def pump(self) -> None:
        for data, hop in self.call.to_send():
            self._trace.add(_wall_us(), self._own, hop or self._link.server, data)
            self._link.send(data, hop)
        if self._timer is not None:
            self._timer.cancel()
        if self.call.answered is not None and not self.answered.done():
            self.answered.set_result(self.call.answered)
        if self.call.outcome is not None:
            if not self.answered.done():
                self.answered.set_result(None)
            if not self.over.done():
                self.over.set_result(self.call.outcome)
        elif (due_us := self.call.next_timer_us) is not None:
            self._timer = self._loop.call_at(due_us / 1_000_000 + 1e-6, self._step, self.call.on_timer)


class _Audio:
    """The socket of the audio. The kernel says when each packet came: this process may be late to look."""

    def __init__(self, opened: socket.socket, trace: Trace) -> None:
        self._socket = opened
        self._trace = trace
        self.event_types = {EVENT_TYPE}
        """Payload types of the keys that the other side presses: ours by RFC 3264, its own by many telephones."""
        self.pressed: dict[int, str] = {}
        """Those keys by their timestamps, in order."""
        self.own: Place = opened.getsockname()[:2]
        self.sealing: Srtp | None = None
        """Where our audio is encrypted."""
        self.opening: Srtp | None = None
        """Where the other side's is; once its key is known."""
        opened.setblocking(False)
        if sys.platform == "linux":
            opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        asyncio.get_running_loop().add_reader(opened, self._read)

    def _read(self) -> None:
        with suppress(OSError):  # nothing more is there, or nobody listens at the other end: the figures show it
            while True:
                received, told, _, source = self._socket.recvmsg(65_536, socket.CMSG_SPACE(16))
                data = self._opened(received)
                if data is None:
                    continue
                self._trace.add(_moment_us(told), source[:2], self.own, data)
                if (key := released_key(data, self.event_types)) is not None:
                    self.pressed.setdefault(*key)

    def _opened(self, received: bytes) -> bytes | None:
        """A packet as it was before it was encrypted; None: it is not from who we call, or came before their key."""
        if self.sealing is None:
            return received
        return None if self.opening is None else self.opening.open(received)

    def send(self, packet: bytes, place: Place, late_us: int) -> None:
        self._trace.said(_wall_us(), late_us, self.own, place, packet)
        with suppress(OSError):  # an answer to an earlier packet, or a full buffer: the figures show it
            self._socket.sendto(packet if self.sealing is None else self.sealing.seal(packet), place)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def _moment_us(told: list[tuple[int, int, bytes]]) -> int:
    """When the kernel received a packet; now, where it does not say."""
    for level, kind, value in told:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == 16:
            seconds, nanoseconds = struct.unpack("=qq", value)
            return int(seconds * 1_000_000 + nanoseconds // 1000)
    return _wall_us()


async def call_over(link: Link, target: Target, timers: Timers, trace: Trace | None = None) -> Outcome:
    """Call once: dial, talk for `talk_us`, hang up.

    Args:
        link: to the server; over UDP not connected.
        target: of kind `call`.
        timers: of the transactions.
        trace: takes every datagram sent and received, for a capture.

    Returns:
        Good when the call was answered and audio came back; with the media's figures.
    """
    trace = trace or Trace()
    if target.encrypts and link.local.transport not in {"TLS", "WSS"}:
        return unreachable("the keys of encrypted audio would be told in the clear", "call over TLS: ;transport=tls")
    key = secrets.token_bytes(KEY_BYTES) if target.encrypts else None
    try:
        audio_socket = bound_towards(link.server[0])
    except OSError as error:
        return unreachable(f"{link.server[0]} cannot be reached: {error.strerror}", "check the route from this host")
    audio = _Audio(audio_socket, trace)
    audio.sealing = None if key is None else Srtp(key)
    side = _Signalling(link, _dialling(link, target, audio.own[1], timers, key), trace)
    try:
        answered = await side.answered
        if answered is None:
            ended = await side.over
            if target.encrypts and ended.code == NOT_ACCEPTABLE:
                ended = replace(ended, reason=NOT_ENCRYPTING, advice=f"allow PCMU or PCMA with {SRTP}")
            return replace(ended, post_dial_delay_us=side.call.post_dial_delay_us)
        keys = await _talk(audio, answered, side, target)
        figures = trace.figures(audio.own)
        if target.awaited_key:
            judged = asked(figures, _keys_of(audio, side), target.awaited_key, side.call.post_dial_delay_us)
        else:
            judged = verdict(figures, keys, side.call.post_dial_delay_us, target.digits, encrypted=target.encrypts)
        side.call.hang_up(judged, side.now_us())
        side.pump()
        outcome = heard_by_the_other(await side.over, side.call.other_received)
        if target.awaited_key:
            outcome = judged  # whoever pressed the key may have hung up before we did
        if target.pesq and outcome.media is not None and figures.round_trip_us is not None:
            outcome = replace(outcome, media=replace(figures, pesq_x100=await _pesq(trace, audio.own)))
        return replace(outcome, post_dial_delay_us=side.call.post_dial_delay_us)
    finally:
        audio.close()


def _dialling(link: Link, target: Target, audio_port: int, timers: Timers, key: bytes | None) -> CallProbe:
    token = secrets.token_hex(16)
    context = Context(target.credentials, link.local.reliable, timers, token)
    user = target.credentials.user if target.credentials else "probe"
    request = invite_request(target.uri, user, link.local, audio_port, token, key)
    now_us = int(asyncio.get_running_loop().time() * 1_000_000)
    return CallProbe(request, context, link.local, timeout_us=target.timeout_us, now_us=now_us)


async def _pesq(trace: Trace, own: Place) -> int | None:
    said = received_samples([payload for _, source, _, payload in trace.packets if source == own])
    heard = received_samples([payload for _, _, place, payload in trace.packets if place == own])
    return await pesq_x100(said, heard)


async def _talk(audio: _Audio, answered: Answered, side: _Signalling, target: Target) -> str:
    """Send speech every 20 ms until the time is over or the call has ended; return the keys that were pressed."""
    body = answered.body.decode("utf-8", "replace")
    described = sdp.parse(body).media
    media = next((each for each in described if each.kind == "audio" and each.port and each.address), None)
    formats = media.formats.by_type if media else {}
    spoken = next((number for number in formats if number in speech.LAWS), None)
    events = next((number for number, each in formats.items() if each.encoding.lower() == "telephone-event"), None)
    key = key_of(body) if target.encrypts else None
    if media is None or spoken is None or (target.encrypts and key is None):
        return ""
    audio.opening = None if key is None else Srtp(key)
    keys = target.digits if events is not None else ""
    if events is not None:
        audio.event_types.add(events)
    speaker = Speaker(
        spoken,
        await asyncio.to_thread(speech.encoded, spoken, target.speech_file),
        ssrc=secrets.randbits(32),
        sequence=secrets.randbits(16),
        timestamp=secrets.randbits(32),
        digits=keys,
        event_type=events or 0,
    )

    def is_over() -> bool:
        return side.over.done() or (target.awaited_key != "" and target.awaited_key in _keys_of(audio, side))

    packets = max(target.talk_us // PACKET_US, Speaker.least(keys))
    await _say(audio, speaker, packets, is_over, (media.address, media.port))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(side.over), TAIL_US / 1_000_000)
    return keys


def _keys_of(audio: _Audio, side: _Signalling) -> str:
    """The keys the other side pressed so far, however it tells of them."""
    return "".join(audio.pressed.values()) + side.call.keys


async def _say(audio: _Audio, speaker: Speaker, packets: int, is_over: Callable[[], bool], place: Place) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(SETTLE_S)
    started = loop.time()
    for number in range(packets):
        due = started + number * PACKET_US / 1_000_000
        await asyncio.sleep(max(0.0, due - loop.time()))
        if is_over():
            return
        audio.send(speaker.next(), place, int(max(0.0, loop.time() - due) * 1_000_000))


def asked(figures: MediaFigures, keys: str, awaited: str, post_dial_delay_us: int | None) -> Outcome:
    """Judge a call by whether the called person pressed the key they were asked for."""
    spoken = f"spoken to for {figures.sent * PACKET_US / 1_000_000:.0f} s"
    if awaited in keys:
        return Outcome(True, 200, f"answered, {spoken}, pressed {awaited}", post_dial_delay_us, "", figures)
    pressed = f"pressed {keys}" if keys else "no key pressed"
    said = f"answered, {spoken}, {pressed} instead of {awaited}"
    return Outcome(False, 200, said, post_dial_delay_us, "call again, or somebody else", figures)


def verdict(
    figures: MediaFigures, keys: str, post_dial_delay_us: int | None, asked: str = "", *, encrypted: bool = False
) -> Outcome:
    """Judge an answered call by its audio.

    Args:
        figures: of the audio.
        keys: those pressed, which must come back where the audio does.
        post_dial_delay_us: the outcome's latency.
        asked: keys that were to be pressed.
        encrypted: whether the audio was to be.
    """

    def failed(text: str, advice: str) -> Outcome:
        return Outcome(False, 200, f"200 OK, but {text}", post_dial_delay_us, advice, figures)

    if figures.sent == 0:
        kind, also = ("encrypted G.711", f" with {SRTP}") if encrypted else ("G.711", "")
        return failed(f"no {kind} audio was agreed on", f"allow PCMU or PCMA for this account{also}")
    if figures.received == 0:
        return failed(f"no audio came back ({figures.sent} packets sent)", RELAY)
    if figures.silent:
        return failed("only silence came back", "look whether the other side is muted, or plays nothing")
    if asked and not keys:
        return failed("no keys can be pressed: telephone-event was not agreed on", "allow RFC 4733 events")
    if keys and figures.digits != keys:
        came = f"{figures.digits} came" if figures.digits else "none came"
        return failed(f"of the keys {keys} {came} back", "look whether the relay passes RFC 4733 events")
    return Outcome(True, 200, "200 OK", post_dial_delay_us, "", figures)


def heard_by_the_other(outcome: Outcome, received: int | None) -> Outcome:
    """Add what the other side says it heard of us, which tells one-way audio from none.

    Args:
        outcome: of an answered call.
        received: packets it received of ours; None: it does not say.
    """
    media = outcome.media
    if received is None or media is None or media.sent == 0:
        return outcome
    if media.received == 0 and received:
        said = f"200 OK, but one-way audio: it heard us ({received} of {media.sent} packets), and nothing came back"
        return replace(outcome, ok=False, reason=said, advice=RELAY)
    if media.received == 0:
        said = f"200 OK, but no audio either way: it received none of our {media.sent} packets"
        return replace(outcome, ok=False, reason=said, advice=RELAY)
    if received == 0:
        said = f"200 OK, but one-way audio: we hear it, and none of our {media.sent} packets reached it"
        return replace(outcome, ok=False, reason=said, advice=RELAY)
    return outcome
