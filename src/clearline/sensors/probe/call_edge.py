"""One call over a link: its signalling, and the socket of its audio."""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from clearline.sensors.probe.call import Answered, CallProbe, invite_request
from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.links import Link, Place, bound_towards
from clearline.sensors.probe.media import LAWS, PACKET_US, Speaker, Trace
from clearline.sensors.probe.outcome import MediaFigures, Outcome, unreachable
from clearline.sensors.probe.target import Target
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sdp

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


class _Audio(asyncio.DatagramProtocol):
    """Notes what comes back."""

    def __init__(self, trace: Trace, own: Place) -> None:
        self._trace = trace
        self._own = own

    def datagram_received(self, data: bytes, addr: Place) -> None:
        self._trace.add(_wall_us(), addr[:2], self._own, data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: the figures show it."""


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
    try:
        audio_socket = bound_towards(link.server[0])
    except OSError as error:
        return unreachable(f"{link.server[0]} cannot be reached: {error.strerror}", "check the route from this host")
    own_audio: Place = audio_socket.getsockname()[:2]
    audio, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Audio(trace, own_audio), sock=audio_socket
    )
    token = secrets.token_hex(16)
    context = Context(target.credentials, link.local.reliable, timers, token)
    user = target.credentials.user if target.credentials else "probe"
    request = invite_request(target.uri, user, link.local, own_audio[1], token)
    now_us = int(asyncio.get_running_loop().time() * 1_000_000)
    side = _Signalling(
        link, CallProbe(request, context, link.local, timeout_us=target.timeout_us, now_us=now_us), trace
    )
    try:
        answered = await side.answered
        if answered is not None:
            await _talk(audio, answered, side, target.talk_us, trace, own_audio)
            side.call.hang_up(verdict(trace.figures(own_audio), side.call.post_dial_delay_us), side.now_us())
            side.pump()
        return replace(await side.over, post_dial_delay_us=side.call.post_dial_delay_us)
    finally:
        audio.close()


async def _talk(
    audio: asyncio.DatagramTransport, answered: Answered, side: _Signalling, talk_us: int, trace: Trace, own: Place
) -> None:
    """Send speech every 20 ms until the time is over or the call has ended."""
    described = sdp.parse(answered.body.decode("utf-8", "replace")).media
    media = next((each for each in described if each.kind == "audio" and each.port and each.address), None)
    spoken = next((number for number in (media.formats if media else ()) if number in LAWS), None)
    if media is None or spoken is None:
        return
    place = (media.address, media.port)
    speaker = Speaker(spoken, secrets.randbits(32), secrets.randbits(16), secrets.randbits(32))
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(talk_us // PACKET_US):
        if side.over.done():
            return
        packet = speaker.next()
        trace.add(_wall_us(), own, place, packet)
        audio.sendto(packet, place)
        await asyncio.sleep(max(0.0, started + (number + 1) * PACKET_US / 1_000_000 - loop.time()))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(side.over), TAIL_US / 1_000_000)


def verdict(figures: MediaFigures, post_dial_delay_us: int | None) -> Outcome:
    """Judge an answered call by its audio."""
    if figures.sent == 0:
        text = "200 OK, but no G.711 audio was agreed on"
        return Outcome(False, 200, text, post_dial_delay_us, "allow PCMU or PCMA for this account", figures)
    if figures.received == 0:
        text = f"200 OK, but no audio came back ({figures.sent} packets sent)"
        advice = "look at the media relay, its port range and the packet filter"
        return Outcome(False, 200, text, post_dial_delay_us, advice, figures)
    return Outcome(True, 200, "200 OK", post_dial_delay_us, "", figures)
