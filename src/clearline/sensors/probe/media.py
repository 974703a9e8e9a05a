"""What the call probe says and how well it came back: speech, RTP packets, a capture for the voice engine.

No socket, no clock.
"""

import math
import struct
from dataclasses import dataclass, field
from ipaddress import ip_address

from clearline.sensors.probe.outcome import MediaFigures
from clearline.voice.analysis import analyze

PACKET_US = 20_000
"""Speech in one packet."""

SAMPLES = 160
"""Of one packet at 8 kHz."""

Place = tuple[str, int]


def speech() -> list[int]:
    """Return three seconds of 16-bit, 8 kHz samples with the rhythm, pitch and formants of speech.

    Voiced syllables of 200 ms at a pitch gliding from 110 to 150 Hz, with energy at 500, 1,500 and 2,500 Hz, apart by
    50 ms, and a
    pause every second. It is made, not recorded: what is measured is the network, and a made signal has no owner.
    """
    samples = []
    phase = 0.0
    for number in range(24_000):
        second = number / 8000
        in_syllable = second % 0.25
        phase += (110 + 40 * (second % 1)) / 8000
        if in_syllable >= 0.2 or second % 1 >= 0.75:
            samples.append(0)
            continue
        voice = sum(
            amplitude * math.sin(2 * math.pi * harmonic * phase)
            for harmonic, amplitude in ((1, 0.5), (4, 1.0), (12, 0.5), (20, 0.2))
        )
        samples.append(round(5000 * voice * math.sin(math.pi * in_syllable / 0.2)))
    return samples


def mu_law(sample: int) -> int:
    """Encode one 16-bit sample (ITU-T G.711 table 2, by the usual 14-bit segments)."""
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32_635) + 132
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | magnitude >> segment + 3 & 0x0F) & 0xFF


def a_law(sample: int) -> int:
    """Encode one 16-bit sample (ITU-T G.711 table 1)."""
    sign, magnitude = (0, -sample - 1) if sample < 0 else (0x80, sample)
    magnitude >>= 3
    segment = max(0, magnitude.bit_length() - 5)
    return (sign | segment << 4 | magnitude >> max(1, segment) & 0x0F) ^ 0x55


LAWS = {0: mu_law, 8: a_law}
"""Payload types we speak (RFC 3551)."""


class Speaker:
    """Makes the packets of one stream, one every 20 ms."""

    def __init__(self, payload_type: int, ssrc: int, sequence: int, timestamp: int) -> None:
        """Start with the first packet.

        Args:
            payload_type: 0 or 8.
            ssrc: the stream's identifier, 32 random bits.
            sequence: of the first packet, 16 random bits.
            timestamp: of the first packet, 32 random bits.
        """
        encoded = bytes(LAWS[payload_type](sample) for sample in speech())
        self._pieces = [encoded[start : start + SAMPLES] for start in range(0, len(encoded), SAMPLES)]
        self._type, self._ssrc, self._sequence, self._timestamp = payload_type, ssrc, sequence, timestamp
        self._number = 0

    def next(self) -> bytes:
        """Return the next packet (RFC 3550 section 5.1)."""
        number, self._number = self._number, self._number + 1
        head = struct.pack(
            ">BBHII",
            0x80,
            self._type | (0x80 if number == 0 else 0),
            (self._sequence + number) % 65_536,
            (self._timestamp + number * SAMPLES) % (1 << 32),
            self._ssrc,
        )
        return head + self._pieces[number % len(self._pieces)]


@dataclass(slots=True)
class Trace:
    """Everything one call sent and received, in order."""

    packets: list[tuple[int, Place, Place, bytes]] = field(default_factory=list)
    """Moment in microseconds, from, to, payload."""

    def add(self, at_us: int, source: Place, destination: Place, payload: bytes) -> None:
        """Note one datagram."""
        self.packets.append((at_us, source, destination, payload))

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
        streams = analyze([self.capture()], "call").streams
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
        )


def _round_trips(sent: list[tuple[int, bytes]], back: list[tuple[int, bytes]]) -> list[int]:
    """Of each packet that came back as it was, but for its source identifier: how long that took."""
    left = {payload[2:8] + payload[12:]: at_us for at_us, payload in sent}
    return [at_us - left[key] for at_us, payload in back if (key := payload[2:8] + payload[12:]) in left]


def ip_packet(source: Place, destination: Place, payload: bytes) -> bytes:
    """Wrap a datagram in UDP and IP, without checksums: a file, not a wire, carries it."""
    udp = struct.pack(">HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    addresses = ip_address(source[0]).packed + ip_address(destination[0]).packed
    if ":" in source[0]:
        return struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + addresses + udp
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp
