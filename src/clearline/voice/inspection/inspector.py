"""Who looks into the payloads of one stream, and how often.

The packet loop hands over every n-th packet, n being what `Inspector.take` asked for the last time, and every packet
that is not of the stream's main payload type.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.formats import Formats
from clearline.voice.inspection.levels import LOOK_EVERY, Levels
from clearline.voice.inspection.payload import Payload

NEVER: Final = 1 << 40
"""Packets until the next look at a payload that nothing can be learnt from."""


@final
class Inspector:
    """Looks at the payloads of one stream.

    Args:
        formats: what the stream's payload types are, as far as session descriptions have said by now.
    """

    def __init__(self, formats: Formats) -> None:
        self.formats: Formats = formats
        self.levels: Levels | None = None
        """Of the sampled speech; None: none could be decoded."""
        self.encrypted: i64 = 0
        """Packets that were not looked into because they are encrypted."""
        self.cut: i64 = 0
        """Packets that were looked for and whose payload was not captured whole."""

    def take(self, payload: Payload) -> i64:
        """Look at one packet; give how many may pass before the next look."""
        formats = self.formats
        if formats.secure:
            self.encrypted += 1
            return NEVER
        encoding = formats.encodings.get(payload.payload_type, "")
        if encoding in ("pcmu", "pcma"):
            if payload.missing():
                self.cut += 1
            else:
                self.level(payload, encoding == "pcma")
            return LOOK_EVERY
        return NEVER

    def level(self, payload: Payload, is_a_law: bool) -> None:
        """Measure the level of a packet of G.711."""
        levels = self.levels
        if levels is None:
            levels = self.levels = Levels()
        levels.g711(payload.data, payload.start, payload.end, is_a_law)
