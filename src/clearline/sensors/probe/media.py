"""What the call probe sends and how well it came back: RTP packets, a capture for the voice engine.

No socket, no clock.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import cycle

from clearline.sensors.probe.outcome import MediaFigures
from clearline.sensors.probe.speech import DECODED
from clearline.sensors.probe.target import DIGITS
from clearline.voice.analysis import analyze

PACKET_US = 20_000
"""Speech in one packet."""

SAMPLES = 160
"""Of one packet at 8 kHz."""

BEFORE_DIGITS = 25
"""Packets of speech before the first key: the way for audio is open by then."""

PRESSED, REPEATED, BETWEEN = 5, 2, 5
"""Packets of one key: while it is pressed, of its end said again (RFC 4733 section 2.5.1.4), of speech behind it."""

VOLUME = 10
"""Of a key, in -dBm0."""

SILENCE = 32
"""No sample louder than this, of 32,767: -60 dBm0."""

RTP_HEAD_BYTES = 12
"""Of packets without contributors or extensions, as ours and their echoes are."""

LONGEST_SAMPLES = 120 * 8000

Place = tuple[str, int]


class Speaker:
    """Makes the packets of one stream, one every 20 ms: speech over and over, and keys in its place."""

    def __init__(
        self,
        payload_type: int,
        speech: bytes,
        *,
        ssrc: int,
        sequence: int,
        timestamp: int,
        digits: str = "",
        event_type: int = 101,
    ) -> None:
        """Start with the first packet.

        Args:
            payload_type: 0 or 8.
            speech: encoded in that law.
            ssrc: the stream's identifier, 32 random bits.
            sequence: of the first packet, 16 random bits.
            timestamp: of the first packet, 32 random bits.
            digits: keys to press, of `DIGITS`.
            event_type: the payload type of telephone events.
        """
        pieces = [speech[start : start + SAMPLES] for start in range(0, len(speech), SAMPLES)]
        self._pieces = cycle(piece for piece in pieces if len(piece) == SAMPLES)
        self._type, self._event_type, self._digits = payload_type, event_type, digits
        self._ssrc, self._sequence, self._timestamp = ssrc, sequence, timestamp
        self._number = 0

    @staticmethod
    def least(digits: str) -> int:
        """Return how many packets it takes to press these keys."""
        return BEFORE_DIGITS + len(digits) * (PRESSED + REPEATED + BETWEEN) if digits else 0

    def next(self) -> bytes:
        """Return the next packet (RFC 3550 section 5.1, RFC 4733 section 2.5)."""
        number, self._number = self._number, self._number + 1
        key, step = divmod(number - BEFORE_DIGITS, PRESSED + REPEATED + BETWEEN)
        if 0 <= key < len(self._digits) and step < PRESSED + REPEATED:
            pressed = min(step + 1, PRESSED)
            end = 0x80 if step + 1 >= PRESSED else 0
            body = struct.pack(">BBH", DIGITS.index(self._digits[key]), end | VOLUME, pressed * SAMPLES)
            return self._head(self._event_type, number, number - step, marked=step == 0) + body
        return self._head(self._type, number, number, marked=number == 0) + next(self._pieces)

    def _head(self, payload_type: int, number: int, began: int, *, marked: bool) -> bytes:
        return struct.pack(
            ">BBHII",
            0x80,
            payload_type | (0x80 if marked else 0),
            (self._sequence + number) % 65_536,
            (self._timestamp + began * SAMPLES) % (1 << 32),
            self._ssrc,
        )


def released_key(packet: bytes, event_types: Collection[int]) -> tuple[int, str] | None:
    """Read the end of a key out of an RTP packet (RFC 4733 section 2.3).

    Args:
        packet: as received.
        event_types: the payload types of telephone events.

    Returns:
        The timestamp, which is the same in every packet of one key, and the key; None: the packet tells of no end.
    """
    if len(packet) < RTP_HEAD_BYTES + 4 or packet[1] & 0x7F not in event_types:
        return None
    event, flags = packet[RTP_HEAD_BYTES], packet[RTP_HEAD_BYTES + 1]
    if not flags & 0x80 or event >= len(DIGITS):
        return None
    return int.from_bytes(packet[4:8], "big"), DIGITS[event]


@dataclass(slots=True)
class Trace:
    """Everything one call sent and received, in order."""

    packets: list[tuple[int, Place, Place, bytes]] = field(default_factory=list)
    """Moment in microseconds, from, to, payload."""
    late: dict[bytes, int] = field(default_factory=dict)
    """Of our own packets by what an echo keeps of them: how many microseconds after their due moment they were sent."""

    def add(self, at_us: int, source: Place, destination: Place, payload: bytes) -> None:
        """Note one datagram."""
        self.packets.append((at_us, source, destination, payload))

    def said(self, at_us: int, late_us: int, source: Place, destination: Place, payload: bytes) -> None:
        """Note one packet of our own audio, and how late we were with it."""
        self.add(at_us, source, destination, payload)
        self.late[_kept_by_an_echo(payload)] = late_us

    def on_time(self, own: Place) -> "Trace":
        """Return what would have come had we sent each packet when it was due.

        A busy host sends late; an echo brings that back, and it is no fault of the network's. The echo's
        delay itself stays as it was.
        """
        moved = []
        for at_us, source, destination, payload in self.packets:
            late_us = self.late.get(_kept_by_an_echo(payload), 0) if own in (source, destination) else 0
            moved.append((at_us - late_us, source, destination, payload))
        return Trace(sorted(moved, key=lambda packet: packet[0]))

    def capture(self) -> bytes:
        """Return a pcap file of raw IP packets."""
        parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]
        for at_us, source, destination, payload in self.packets:
            packet = ip_packet(source, destination, payload)
            parts.append(struct.pack("<IIII", at_us // 1_000_000, at_us % 1_000_000, len(packet), len(packet)) + packet)
        return b"".join(parts)

    def figures(self, own: Place) -> MediaFigures:
        """Measure the audio.

        Args:
            own: the address and port our audio was sent from and came back to.
        """
        sent = [(at_us, payload) for at_us, source, _, payload in self.packets if source == own]
        back = [(at_us, payload) for at_us, _, destination, payload in self.packets if destination == own]
        streams = analyze([self.on_time(own).capture()], "call").streams
        shown = f"[{own[0]}]:{own[1]}" if ":" in own[0] else f"{own[0]}:{own[1]}"
        heard = max(
            (stream for stream in streams if stream.destination == shown),
            key=lambda stream: stream.counts.received,
            default=None,
        )
        trips = _round_trips(sent, back)
        round_trip_us = sum(trips) // len(trips) if trips else None
        if heard is None:
            return MediaFigures(len(sent), len(back), None, None, None, None)
        jitter_us, mos = heard.regularity.jitter_mean_us, heard.quality.mos_lq
        return MediaFigures(
            sent=len(sent),
            received=heard.counts.received,
            lost=max(0, len(sent) - heard.counts.received) if trips else heard.counts.lost,
            jitter_us=None if jitter_us is None else round(jitter_us),
            round_trip_us=round_trip_us,
            mos_lq_x100=None if mos is None else round(mos * 100),
            digits="".join(digit.name for digit in heard.digits if digit.ended),
            silent=_is_silent([payload for _, payload in back]),
        )


def _is_silent(packets: list[bytes]) -> bool | None:
    """Whether nothing can be heard in G.711 packets; None when there are none."""
    looked = False
    for packet in packets:
        samples = DECODED.get(packet[1] & 0x7F) if len(packet) > RTP_HEAD_BYTES else None
        if samples is None:
            continue
        looked = True
        if any(abs(samples[code]) > SILENCE for code in set(packet[RTP_HEAD_BYTES:])):
            return False
    return True if looked else None


def received_samples(back: list[bytes]) -> list[int]:
    """Lay out the G.711 packets that came back by their timestamps; what is missing is silence.

    Returns:
        Samples at 8 kHz, from the first packet's on; at most two minutes.
    """
    spoken = [
        (struct.unpack_from(">I", packet, 4)[0], DECODED[packet[1] & 0x7F], packet[RTP_HEAD_BYTES:])
        for packet in back
        if len(packet) > RTP_HEAD_BYTES and packet[1] & 0x7F in DECODED
    ]
    if not spoken:
        return []
    first = spoken[0][0]
    heard = [0] * LONGEST_SAMPLES
    end = 0
    for timestamp, samples, payload in spoken:
        at = (timestamp - first) % (1 << 32)
        if at + len(payload) <= LONGEST_SAMPLES:
            heard[at : at + len(payload)] = [samples[code] for code in payload]
            end = max(end, at + len(payload))
    return heard[:end]


def _round_trips(sent: list[tuple[int, bytes]], back: list[tuple[int, bytes]]) -> list[int]:
    """Of each packet that came back as it was, but for its source identifier: how long that took."""
    left = {_kept_by_an_echo(payload): at_us for at_us, payload in sent}
    return [at_us - left[key] for at_us, payload in back if (key := _kept_by_an_echo(payload)) in left]


def _kept_by_an_echo(payload: bytes) -> bytes:
    """All of an RTP packet but its first two bytes and its source identifier: an echo has its own."""
    return payload[2:8] + payload[RTP_HEAD_BYTES:]


def ip_packet(source: Place, destination: Place, payload: bytes) -> bytes:
    """Wrap a datagram in UDP and IP, without checksums: a file, not a wire, carries it."""
    udp = struct.pack(">HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    addresses = ip_address(source[0]).packed + ip_address(destination[0]).packed
    if ":" in source[0]:
        return struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + addresses + udp
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp
