"""WebSocket frames to SIP messages: one message is one request or response (RFC 6455 section 5, RFC 7118 section 5).

A connection is known by its first frame that carries SIP, not by its handshake: so it is read from whichever frame a
capture began with. Messages compressed by permessage-deflate (RFC 7692) say so themselves. They may refer to what the
messages before them said; where that was not captured, they are refused rather than guessed: zlib checks that no
reference reaches further back than what is known.
"""

import zlib

from clearline.voice.wire import sip

MAX_FRAMES = 64
"""Frames one message may be cut into."""

MAX_MESSAGE_BYTES = sip.MAX_HEAD_BYTES + sip.MAX_STREAM_BODY_BYTES
"""The longest message, inflated or not."""

CONTINUATION, TEXT, BINARY = 0, 1, 2
CONTROL = 8
"""Opcodes from here on are control frames: close, ping, pong."""

FIN, COMPRESSED, RESERVED = 0x80, 0x40, 0x30
"""Bits of a frame's first octet: the last of its message; RFC 7692 section 6; what no extension that is known uses."""

WINDOW_BYTES = 32_768
"""How far back a compressed message may refer (RFC 1951)."""

RAW = -15
"""zlib's name for deflated octets without a header, with references as far back as there can be."""

TAIL = b"\x00\x00\xff\xff"
"""What a sender takes off a compressed message's end (RFC 7692 section 7.2.1)."""

FIRST_OCTETS = 16
"""By so many of a message it is known as SIP."""


class UnreadError(sip.SipError):
    """A compressed message that cannot be inflated; the stream goes on behind it."""

    def __init__(self, reason: str, rest: bytes) -> None:
        super().__init__(reason)
        self.rest = rest


def begins(data: bytes) -> bool:
    """Tell whether a frame with a whole or the first part of a SIP message begins here."""
    if len(data) < 2 or data[0] & RESERVED or data[0] & 0x0F not in (TEXT, BINARY):
        return False
    head = _head(data)
    if head is None:
        return False
    start, length, mask = head
    if not data[0] & COMPRESSED:
        return sip.begins(_unmasked(data[start : start + FIRST_OCTETS], mask))
    try:
        return sip.begins(zlib.decompressobj(RAW).decompress(_unmasked(data[start:][:length], mask), FIRST_OCTETS))
    except zlib.error:
        return False


def is_compressed(data: bytes) -> bool:
    """Tell whether this is exactly one frame with a compressed message, whatever that says."""
    if len(data) < 2 or data[0] not in (FIN | COMPRESSED | TEXT, FIN | COMPRESSED | BINARY):
        return False
    head = _head(data)
    return head is not None and head[1] > 0 and head[0] + head[1] == len(data)


class Frames:
    """Reads what one side of a connection sends."""

    def __init__(self) -> None:
        self._window = b""
        """The end of what compressed messages said so far, as later ones may refer to it."""

    def forget(self) -> None:
        """Note that something was not captured: what follows may refer to it."""
        self._window = b""

    def frame(self, buffer: bytes) -> tuple[bytes | None, bytes]:
        """Cut the first whole message off a stream of frames, putting together what was sent in several.

        Args:
            buffer: what has arrived and was not consumed yet.

        Returns:
            The message, empty for a control frame, or None when more must arrive; and the rest.

        Raises:
            UnreadError: the message is compressed and refers to what was not captured, or is too long.
            SipError: the stream cannot be followed any more: a limit is passed, or a part has no beginning.
        """
        message, rest, compressed = b"", buffer, False
        for number in range(MAX_FRAMES):
            head = _head(rest)
            if head is None:
                return None, buffer
            start, length, mask = head
            if length > MAX_MESSAGE_BYTES:
                raise sip.SipError(f"a WebSocket frame of {length} octets is no SIP message")
            if len(rest) < start + length:
                return None, buffer
            first, payload, rest = rest[0], rest[start : start + length], rest[start + length :]
            opcode = first & 0x0F
            if opcode >= CONTROL:
                if number == 0:
                    return b"", rest
                continue
            if first & RESERVED or (opcode == CONTINUATION) != bool(number) or (number and first & COMPRESSED):
                raise sip.SipError("a WebSocket frame of an unknown extension, or one that continues nothing")
            compressed = compressed or bool(first & COMPRESSED)
            message += _unmasked(payload, mask)
            if first & FIN:
                return (self._inflated(message, rest) if compressed else message), rest
        raise sip.SipError(f"a WebSocket message of more than {MAX_FRAMES} frames")

    def _inflated(self, message: bytes, rest: bytes) -> bytes:
        inflater = zlib.decompressobj(RAW, zdict=self._window)
        try:
            text = inflater.decompress(message + TAIL, MAX_MESSAGE_BYTES + 1)
        except zlib.error as error:
            self.forget()
            raise UnreadError(f"a WebSocket message cannot be inflated: {error}", rest) from error
        if len(text) > MAX_MESSAGE_BYTES:
            self.forget()
            raise UnreadError(f"a WebSocket message is longer than {MAX_MESSAGE_BYTES} octets when inflated", rest)
        self._window = (self._window + text)[-WINDOW_BYTES:]
        return text


def _head(data: bytes) -> tuple[int, int, bytes] | None:
    """Read where the payload starts, its length and its mask; None when more must arrive."""
    if len(data) < 2:
        return None
    length, start = data[1] & 0x7F, 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], "big")
    masked = 4 if data[1] & 0x80 else 0
    if len(data) < start + masked:
        return None
    return start + masked, length, data[start : start + masked]


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if not mask:
        return payload
    repeated = mask * (len(payload) // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")).to_bytes(
        len(payload), "big"
    )
