"""WebSocket frames to SIP messages: one message is one request or response (RFC 6455 section 5, RFC 7118 section 5).

A connection is known by its first frame that carries SIP, not by its handshake: so it is read from whichever frame a
capture began with. Compressed messages (RFC 7692) are not read.
"""

from clearline.voice.wire import sip

MAX_FRAMES = 64
"""Frames one message may be cut into."""

CONTINUATION, TEXT, BINARY = 0, 1, 2
CONTROL = 8
"""Opcodes from here on are control frames: close, ping, pong."""


def begins(data: bytes) -> bool:
    """Tell whether a frame with a whole or the first part of a SIP message begins here."""
    if len(data) < 2 or data[0] & 0x70 or data[0] & 0x0F not in (TEXT, BINARY):
        return False
    head = _head(data)
    return head is not None and sip.begins(_unmasked(data[head[0] : head[0] + 16], head[2]))


def frame(buffer: bytes) -> tuple[bytes | None, bytes]:
    """Cut the first whole message off a stream of frames, putting together what was sent in several.

    Args:
        buffer: what has arrived and was not consumed yet.

    Returns:
        The message, empty for a control frame, or None when more must arrive; and the rest.

    Raises:
        SipError: the stream cannot be followed any more: a limit is passed, a message is compressed, or a part has no
            beginning.
    """
    message, rest = b"", buffer
    for number in range(MAX_FRAMES):
        head = _head(rest)
        if head is None:
            return None, buffer
        start, length, mask = head
        if length > sip.MAX_HEAD_BYTES + sip.MAX_STREAM_BODY_BYTES:
            raise sip.SipError(f"a WebSocket frame of {length} octets is no SIP message")
        if len(rest) < start + length:
            return None, buffer
        first, payload, rest = rest[0], rest[start : start + length], rest[start + length :]
        opcode = first & 0x0F
        if opcode >= CONTROL:
            if number == 0:
                return b"", rest
            continue
        if first & 0x70 or (opcode == CONTINUATION) != bool(number):
            raise sip.SipError("a WebSocket frame is compressed, or continues nothing")
        message += _unmasked(payload, mask)
        if first & 0x80:
            return message, rest
    raise sip.SipError(f"a WebSocket message of more than {MAX_FRAMES} frames")


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
