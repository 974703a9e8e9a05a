"""Who looks into the payloads of one stream, and how often.

The packet loop hands over every n-th packet, n being what `Inspector.take` asked for the last time, and every packet
that is not of the stream's main payload type.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.formats import Formats
from clearline.voice.inspection.events import Events
from clearline.voice.inspection.frames import Frames
from clearline.voice.inspection.levels import DECODED, LOOK_EVERY, Levels
from clearline.voice.inspection.opus import OpusSeen, band, has_redundancy, is_single
from clearline.voice.inspection.payload import Payload
from clearline.voice.inspection.redundancy import Blocks
from clearline.voice.inspection.repairs import Repairs
from clearline.voice.losses import Losses

FIRST_DYNAMIC: Final = 96
"""Payload types from here on mean what a session description says (RFC 3551 section 6)."""

NEVER: Final = 1 << 40
"""Packets until the next look at a payload that nothing can be learnt from."""

VIDEO: Final = (
    "h264",
    "h265",
    "vp8",
    "vp9",
    "av1",
    "h261",
    "h263",
    "h263-1998",
    "h263-2000",
    "mpv",
    "mp4v-es",
    "theora",
)
"""Encodings of video that carry frames: not those of retransmission and of error correction."""

MISSING: Final = 0
"""The state of a packet in `Losses.bad`: its lowest bit, 1 for one that came too late."""


@final
class Inspector:
    """Looks at the payloads of one stream.

    Args:
        formats: what the stream's payload types are, as far as session descriptions have said by now.
        losses: the stream's.
    """

    def __init__(self, formats: Formats, losses: Losses) -> None:
        self.formats: Formats = formats
        self.losses: Losses = losses
        self.speech_type: i64 = -1
        """The static payload type of the speech whose level was measured last: nothing gives it another meaning."""
        self.speech: str = ""
        """Its encoding."""
        self.undescribed: i64 = 0
        """Packets that came before a description told what they are."""
        self.encrypted: i64 = 0
        """Packets that were not looked into because they are encrypted."""
        self.cut: i64 = 0
        """Packets of which the capture has too little."""
        self.malformed: i64 = 0
        """Packets whose payload contradicts its own lengths."""
        self.levels: Levels | None = None
        """Of the sampled speech; None: none could be decoded."""
        self.blocks: Blocks | None = None
        """Of a stream of redundant audio data."""
        self.redundant: i64 = 0
        """Packets of redundant audio data with at least one redundant block that is not empty."""
        self.primary_octets: i64 = 0
        self.wait: i64 = 0
        """Primary blocks of speech to pass over before the next look."""
        self.opus: OpusSeen | None = None
        self.events: Events | None = None
        self.frames: Frames | None = None
        self.every: i64 = NEVER
        """Packets of speech that may pass before the next look."""

    def take(self, payload: Payload) -> i64:
        """Look at one packet; give how many may pass before the next look."""
        formats = self.formats
        if payload.payload_type == self.speech_type and not formats.secure:
            return self.level(payload, self.speech)
        encoding = formats.encodings.get(payload.payload_type, "")
        if formats.secure:
            self.encrypted += 1
            if encoding not in VIDEO:
                return NEVER
            self.picture(payload, encoding)
            return 0
        if encoding == "red":
            self.redundancy(payload)
            self.every = 0
            return 0
        return self.content(payload, encoding)

    def content(self, payload: Payload, encoding: str) -> i64:
        """Look at a payload of one encoding."""
        if encoding == "telephone-event" or (not encoding and self.is_event(payload)):
            self.take_events(payload, payload.timestamp)
            return self.every
        self.every = NEVER
        if encoding in DECODED:
            if payload.payload_type < FIRST_DYNAMIC:
                self.speech_type = payload.payload_type
                self.speech = encoding
            self.every = self.level(payload, encoding)
        elif encoding == "opus":
            self.speech_of_opus(payload)
            self.every = 0
        elif encoding in VIDEO:
            self.picture(payload, encoding)
            self.every = 0
        return self.every

    def picture(self, payload: Payload, encoding: str) -> None:
        """Take a packet of video."""
        frames = self.frames
        if frames is None:
            frames = self.frames = Frames(encoding)
        frames.take(payload, not self.formats.secure)

    def level(self, payload: Payload, encoding: str) -> i64:
        """Measure the level of a packet of speech."""
        if payload.missing():
            self.cut += 1
            return LOOK_EVERY
        levels = self.levels
        if levels is None:
            levels = self.levels = Levels()
        return levels.look(payload, encoding)

    def is_event(self, payload: Payload) -> bool:
        """Tell whether a payload of a type that nothing describes is a telephone event beside speech."""
        speech = self.every != NEVER and self.frames is None
        return payload.payload_type >= FIRST_DYNAMIC and speech and payload.size == 4 == payload.end - payload.start

    def take_events(self, payload: Payload, timestamp: i64) -> None:
        """Take the telephone events of a payload."""
        if payload.missing():
            self.cut += 1
            return
        events = self.events
        if events is None:
            events = self.events = Events()
        events.clock = self.formats.clocks.get(payload.payload_type, 0)
        if not events.take(payload, timestamp):
            self.malformed += 1

    def redundancy(self, payload: Payload) -> None:
        """Take a packet of redundant audio data (RFC 2198), then look at its primary block."""
        blocks = self.blocks
        if blocks is None:
            blocks = self.blocks = Blocks()
        if not blocks.parse(payload):
            if payload.missing():
                self.cut += 1
            else:
                self.malformed += 1
            return
        self.primary_octets += blocks.primary_size
        carries = False
        captured = payload.end
        for i in range(len(blocks.sizes)):
            offset: i64 = blocks.offsets[i]
            if blocks.sizes[i] and offset:
                carries = True
                self.repair_at(payload, offset)
                encoding = self.formats.encodings.get(blocks.types[i], "")
                if encoding == "telephone-event":
                    payload.narrow(blocks.types[i], blocks.starts[i], blocks.sizes[i], captured)
                    self.take_events(payload, payload.timestamp - offset)
        if carries:
            self.redundant += 1
        payload.narrow(blocks.primary, blocks.primary_start, blocks.primary_size, captured)
        encoding = self.formats.encodings.get(blocks.primary, "")
        if self.wait > 0 and encoding in DECODED:
            self.wait -= 1
        else:
            self.wait = self.content(payload, encoding)

    def repair_at(self, payload: Payload, offset: i64) -> None:
        """Note that redundancy has arrived for the packet so many timestamp units before."""
        timing = payload.timing
        if timing.frame_ticks > 0 and offset % timing.frame_ticks == 0:
            packets = offset // timing.frame_ticks
            self.repair(payload, payload.number - packets, float(offset) * timing.us_per_tick)

    def speech_of_opus(self, payload: Payload) -> None:
        """Take a packet of Opus: its bandwidth, and whether the frame before can be had from it."""
        if payload.start >= payload.end:
            self.cut += payload.size > 0
            return
        seen = self.opus
        if seen is None:
            seen = self.opus = OpusSeen()
        toc: i64 = payload.data[payload.start]
        seen.packets += 1
        seen.bands[band(toc)] += 1
        if has_redundancy(payload.data, payload.start, payload.end):
            seen.redundant += 1
            if is_single(toc):  # of several frames the packet before would get back its last one only
                timing = payload.timing
                self.repair(payload, payload.number - 1, float(timing.frame_ticks) * timing.us_per_tick)

    def repair(self, payload: Payload, number: i64, before_us: float) -> None:
        """Note that redundancy for a packet that is so much older has arrived."""
        losses = self.losses
        repairs = losses.repairs
        if repairs is None:
            repairs = losses.repairs = Repairs()
        state: i64 = losses.bad.get(number, -1)
        if state >= 0 and state & 1 == MISSING and payload.is_in_time_for(before_us):
            repairs.wait_for(number, losses.oldest)
