"""What RTCP says of the streams: round trips, and what the far end received."""

from dataclasses import dataclass

from clearline.voice.wire.rtcp import (
    Encrypted,
    Feedback,
    Packet,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    ntp_middle,
    round_trip_us,
)
from clearline.voice.wire.xr import ExtendedReport, VoipMetrics

KEPT_SENDER_REPORTS = 8
"""Sender reports of one source that an answer may refer to: reports come seconds apart, answers within one or two."""

MAX_SOURCES = 400_000
"""Sources whose reports are kept."""

MAX_ROUND_TRIP_US = 60_000_000
"""A longer round trip is a clock that stepped."""

Key = tuple[int, int, int]
"""Source address, destination address and SSRC of a stream."""


@dataclass(slots=True)
class FarEnd:
    """What the receiver of a stream reported of it."""

    reports: int = 0
    lost: int = 0
    """Cumulative, of the latest report; signed."""
    fraction_max: int = 0
    """Of 256."""
    jitter: int = 0
    """Timestamp units, of the latest report."""
    trips: int = 0
    trip_sum_us: int = 0
    trip_max_us: int = 0
    metrics: VoipMetrics | None = None

    @property
    def round_trip_us(self) -> int | None:
        """Mean time from the point of capture to the receiver and back; None when no report told."""
        return self.trip_sum_us // self.trips if self.trips else None


class ReportBook:
    """Takes RTCP in the order of the capture."""

    def __init__(self) -> None:
        self.sent: dict[Key, dict[int, int]] = {}
        self.far_ends: dict[Key, FarEnd] = {}
        self.packets = 0
        """Datagrams."""
        self.encrypted = 0
        self.feedback: dict[str, int] = {}

    def take(self, packets: tuple[Packet, ...], source: int, destination: int, at_us: int) -> None:
        """Take one datagram's packets.

        Args:
            packets: what it says.
            source: the sender's address number.
            destination: the receiver's.
            at_us: when it was captured.
        """
        self.packets += 1
        for packet in packets:
            if isinstance(packet, SenderReport | ReceiverReport):
                if isinstance(packet, SenderReport) and packet.ntp:
                    self._sent((source, destination, packet.ssrc), packet.ntp >> 16 & 0xFFFFFFFF, at_us)
                for block in packet.reports:
                    self._received((destination, source, block.ssrc), block, at_us)
            elif isinstance(packet, ExtendedReport):
                self._metrics(packet, source, destination)
            elif isinstance(packet, Feedback):
                self.feedback[packet.kind] = self.feedback.get(packet.kind, 0) + 1
            elif isinstance(packet, Encrypted):
                self.encrypted += 1

    def _metrics(self, report: ExtendedReport, source: int, destination: int) -> None:
        """Keep the latest VoIP metrics of each stream."""
        for block in report.blocks:
            if isinstance(block, VoipMetrics):
                far_end = self._far_end((destination, source, block.ssrc))
                if far_end is not None:
                    far_end.metrics = block

    def far_end(self, source: int, destination: int, ssrc: int) -> FarEnd | None:
        """Find what the receiver of a stream reported; None when it did not."""
        return self.far_ends.get((source, destination, ssrc))

    def _sent(self, key: Key, middle: int, at_us: int) -> None:
        times = self.sent.get(key)
        if times is None:
            if len(self.sent) >= MAX_SOURCES:
                return
            times = self.sent[key] = {}
        times.setdefault(middle, at_us)
        if len(times) > KEPT_SENDER_REPORTS:
            del times[next(iter(times))]

    def _far_end(self, key: Key) -> FarEnd | None:
        far_end = self.far_ends.get(key)
        if far_end is None and len(self.far_ends) < MAX_SOURCES:
            far_end = self.far_ends[key] = FarEnd()
        return far_end

    def _received(self, key: Key, block: ReportBlock, at_us: int) -> None:
        """Take a report block; its round trip is arrival - LSR - DLSR (RFC 3550 section 6.4.1).

        LSR is taken as the moment its sender report passed the point of capture: no clock but the capture's is in it,
        and it is the trip from there to the receiver and back.
        """
        far_end = self._far_end(key)
        if far_end is None:
            return
        far_end.reports += 1
        far_end.lost = block.lost
        far_end.fraction_max = max(far_end.fraction_max, block.fraction_lost)
        far_end.jitter = block.jitter
        sent_us = self.sent.get(key, {}).get(block.lsr)
        if sent_us is None or not block.lsr:
            return
        trip_us = round_trip_us(ntp_middle(at_us), ntp_middle(sent_us), block.dlsr)
        if trip_us is not None and trip_us <= MAX_ROUND_TRIP_US:
            far_end.trips += 1
            far_end.trip_sum_us += trip_us
            far_end.trip_max_us = max(far_end.trip_max_us, trip_us)
