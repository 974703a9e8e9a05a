"""What RTCP says of the streams: round trips, and what the far end received."""

from typing import Final, final

from librt.vecs import append, pop, vec
from mypy_extensions import i64

from clearline.voice.wire.octets import u32
from clearline.voice.wire.rtcp import (
    Encrypted,
    Feedback,
    Packet,
    ReceiverReport,
    SenderReport,
    ntp_middle,
    round_trip_us,
)
from clearline.voice.wire.xr import ExtendedReport, VoipMetrics

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
DESCRIPTION: Final = 202
"""RTCP packet types (RFC 3550 section 12.1)."""

MAX_PLAIN_BYTES: Final = 512
"""The longest datagram that is read in one pass: no more packets fit into it than `rtcp.MAX_PACKETS`."""

KEPT_SENDER_REPORTS = 8
"""Sender reports of one source that an answer may refer to: reports come seconds apart, answers within one or two."""

MAX_SOURCES = 400_000
"""Sources whose reports are kept."""

MAX_TRIPS = 20_000
"""Round trips of one stream that are kept by their time: a day of reports each 5 s."""

MAX_ROUND_TRIP_US = 60_000_000
"""A longer round trip is a clock that stepped."""

ADDRESS_BITS = 33
"""An address's number is smaller."""


@final
class FarEnd:
    """What the two ends of a stream reported: its sender's reports, and what its receiver said of it."""

    def __init__(self) -> None:
        self.sent_middles: vec[i64] = vec[i64]()
        """The middle 32 bits of the NTP times of the sender's last reports; so far as they may still be answered."""
        self.sent_us: vec[i64] = vec[i64]()
        """When each of those passed."""
        self.reports: i64 = 0
        """Of the receiver, as all that follows."""
        self.lost: i64 = 0
        """Cumulative, of the latest report; signed."""
        self.fraction_max: i64 = 0
        """Of 256."""
        self.jitter: i64 = 0
        """Timestamp units, of the latest report."""
        self.trips: i64 = 0
        self.trip_sum_us: i64 = 0
        self.trip_times_us: vec[i64] = vec[i64]()
        """When each was taken, of the first `MAX_TRIPS`; so is the next."""
        self.trips_us: vec[i64] = vec[i64]()
        self.metrics: VoipMetrics | None = None

    @property
    def round_trip_us(self) -> int | None:
        """Mean time from the point of capture to the receiver and back; None when no report told."""
        return int(self.trip_sum_us // self.trips) if self.trips else None

    def send(self, middle: i64, at_us: i64) -> None:
        """Note a sender report."""
        if middle in self.sent_middles:
            return
        self.sent_middles = append(self.sent_middles, middle)
        self.sent_us = append(self.sent_us, at_us)
        if len(self.sent_us) > KEPT_SENDER_REPORTS:
            self.sent_middles, _ = pop(self.sent_middles, 0)
            self.sent_us, _ = pop(self.sent_us, 0)

    def sent_at_us(self, middle: i64) -> i64:
        """Say when the sender report of this time passed; -1 when it is not known."""
        for place in range(len(self.sent_middles)):
            if self.sent_middles[place] == middle:
                return self.sent_us[place]
        return -1


class ReportBook:
    """Takes RTCP in the order of the capture."""

    def __init__(self) -> None:
        self.far_ends: dict[int, FarEnd] = {}
        """By the stream, see `_key`."""
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
                    self._sent(_key(source, destination, packet.ssrc), packet.ntp >> 16 & 0xFFFFFFFF, at_us)
                for block in packet.reports:
                    self._received(
                        _key(destination, source, block.ssrc),
                        block.fraction_lost,
                        block.lost,
                        block.jitter,
                        block.lsr,
                        block.dlsr,
                        at_us,
                    )
            elif isinstance(packet, ExtendedReport):
                self._metrics(packet, source, destination)
            elif isinstance(packet, Feedback):
                self.feedback[packet.kind] = self.feedback.get(packet.kind, 0) + 1
            elif isinstance(packet, Encrypted):
                self.encrypted += 1

    def take_plain(self, data: bytes, source: i64, destination: i64, at_us: i64) -> bool:
        """Take a datagram of nothing but whole reports and descriptions, as most are, without making objects of it.

        Args:
            data: the datagram.
            source: the sender's address number.
            destination: the receiver's.
            at_us: when it was captured.

        Returns:
            False, with nothing taken: `rtcp.parse_compound` has to read it and to say what is wrong with it.
        """
        if not _is_plain(data):
            return False
        self.packets += 1
        at: i64 = 0
        while at < len(data):
            head = u32(data, at)
            kind = head >> 16 & 0xFF
            if kind != DESCRIPTION:
                block = at + 8
                if kind == SENDER_REPORT:
                    middle = u32(data, at + 10)
                    if u32(data, at + 8) or u32(data, at + 12):
                        self._sent(_key(source, destination, u32(data, at + 4)), middle, at_us)
                    block += 20
                blocks = head >> 24 & 31
                while blocks > 0:
                    self._received(
                        _key(destination, source, u32(data, block)),
                        fraction=data[block + 4],
                        lost=((u32(data, block + 4) & 0xFFFFFF) ^ 0x800000) - 0x800000,
                        jitter=u32(data, block + 12),
                        lsr=u32(data, block + 16),
                        dlsr=u32(data, block + 20),
                        at_us=at_us,
                    )
                    block += 24
                    blocks -= 1
            at += ((head & 0xFFFF) + 1) << 2
        return True

    def _metrics(self, report: ExtendedReport, source: int, destination: int) -> None:
        """Keep the latest VoIP metrics of each stream."""
        for block in report.blocks:
            if isinstance(block, VoipMetrics):
                far_end = self._far_end(_key(destination, source, block.ssrc))
                if far_end is not None:
                    far_end.metrics = block

    def far_end(self, source: int, destination: int, ssrc: int) -> FarEnd | None:
        """Find what the receiver of a stream reported; None when it did not."""
        found = self.far_ends.get(_key(source, destination, ssrc))
        return None if found is None or (found.reports == 0 and found.metrics is None) else found

    def _far_end(self, key: int) -> FarEnd | None:
        far_end = self.far_ends.get(key)
        if far_end is None and len(self.far_ends) < MAX_SOURCES:
            far_end = self.far_ends[key] = FarEnd()
        return far_end

    def _sent(self, key: int, middle: i64, at_us: i64) -> None:
        far_end = self._far_end(key)
        if far_end is not None:
            far_end.send(middle, at_us)

    def _received(self, key: int, fraction: i64, lost: i64, jitter: i64, lsr: i64, dlsr: i64, at_us: i64) -> None:
        """Take a report block; its round trip is arrival - LSR - DLSR (RFC 3550 section 6.4.1).

        LSR is taken as the moment its sender report passed the point of capture: no clock but the capture's is in it,
        and it is the trip from there to the receiver and back.
        """
        far_end = self._far_end(key)
        if far_end is None:
            return
        far_end.reports += 1
        far_end.lost = lost
        far_end.fraction_max = max(far_end.fraction_max, fraction)
        far_end.jitter = jitter
        sent_us = far_end.sent_at_us(lsr) if lsr else -1
        if sent_us < 0:
            return
        trip_us = round_trip_us(ntp_middle(at_us), ntp_middle(sent_us), dlsr)
        if trip_us is not None and trip_us <= MAX_ROUND_TRIP_US:
            far_end.trips += 1
            far_end.trip_sum_us += trip_us
            if len(far_end.trips_us) < MAX_TRIPS:
                far_end.trip_times_us = append(far_end.trip_times_us, at_us)
                far_end.trips_us = append(far_end.trips_us, trip_us)


def _key(source: int, destination: int, ssrc: int) -> int:
    """Make one number of a stream's source, destination and SSRC: it takes a quarter of a tuple's memory."""
    return (source << ADDRESS_BITS | destination) << 32 | ssrc


def _is_plain(data: bytes) -> bool:
    """Tell whether a datagram is whole sender and receiver reports and descriptions, without padding."""
    at: i64 = 0
    end: i64 = len(data)
    if end > MAX_PLAIN_BYTES:
        return False
    while at < end:
        if end - at < 8:
            return False
        head = u32(data, at)
        kind = head >> 16 & 0xFF
        count = head >> 24 & 31
        after = at + (((head & 0xFFFF) + 1) << 2)
        if head >> 29 != 4 or after > end:  # version 2, no padding
            return False
        if kind == DESCRIPTION:
            if not _sources_fit(data, at + 4, after, count):
                return False
        elif (
            kind not in (SENDER_REPORT, RECEIVER_REPORT)
            or after - at < (28 if kind == SENDER_REPORT else 8) + 24 * count
        ):
            return False
        at = after
    return end > 0


def _sources_fit(data: bytes, at: i64, end: i64, count: i64) -> bool:
    """Tell whether the sources of a description are as many as it says, and their items end within it."""
    while count > 0:
        if end - at < 4:
            return False
        at += 4
        while at < end and data[at]:
            if at + 2 > end:
                return False
            size: i64 = data[at + 1]
            at += 2 + size
            if at > end:
                return False
        at = (at | 3) + 1
        count -= 1
    return True
