"""STUN messages as bytes (RFC 8489), with what TURN adds (RFC 8656). No socket, no clock, no random source."""

import hashlib
import hmac
import struct
import unicodedata
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import ip_address
from typing import Self

COOKIE = 0x2112A442

HEAD_BYTES = 20

MAX_ATTRIBUTES = 64
"""More than any server sends."""

REQUEST, SUCCESS, ERROR = 0b00, 0b10, 0b11
"""Classes; 0b01 are indications."""


class Method(IntEnum):
    """What is asked."""

    BINDING = 1
    ALLOCATE = 3
    REFRESH = 4


class Kind(IntEnum):
    """Attributes (RFC 8489 section 18.3, RFC 8656 section 18)."""

    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    LIFETIME = 0x000D
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_TRANSPORT = 0x0019
    XOR_MAPPED_ADDRESS = 0x0020
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028


class StunError(ValueError):
    """Bytes that are no STUN message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Attributes in order, of each kind the first one counts (RFC 8489 section 14)."""

    method: int
    cls: int
    transaction: bytes
    """12 bytes."""
    attributes: tuple[tuple[int, bytes], ...] = ()
    raw: bytes = field(default=b"", repr=False, compare=False)
    """As received."""

    def get(self, kind: Kind) -> bytes | None:
        """Return the first attribute of a kind."""
        return next((value for each, value in self.attributes if each == kind), None)

    def adding(self, kind: Kind, value: bytes) -> Self:
        """Return the message with one more attribute."""
        return type(self)(self.method, self.cls, self.transaction, (*self.attributes, (kind, value)))

    @property
    def error(self) -> tuple[int, str] | None:
        """Code and reason of an error answer (section 14.8)."""
        value = self.get(Kind.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        return (value[2] & 7) * 100 + value[3] % 100, value[4:].decode("utf-8", "replace").rstrip("\0 ")

    def place(self, kind: Kind) -> tuple[str, int] | None:
        """Return an XOR-ed address and port (section 14.2); None where there is none that can be read."""
        value = self.get(kind)
        if value is None or len(value) not in (8, 20):
            return None
        mask = struct.pack(">I", COOKIE) + self.transaction
        address = bytes(a ^ b for a, b in zip(value[4:], mask[: len(value) - 4], strict=True))
        return str(ip_address(address)), struct.unpack_from(">H", value, 2)[0] ^ (COOKIE >> 16)

    def encode(self, key: bytes | None = None) -> bytes:
        """Return the bytes to send: signed where there is a key, and with a fingerprint (sections 14.5 and 14.7)."""
        body = b"".join(_attribute(kind, value) for kind, value in self.attributes)
        if key is not None:
            head = self._head(len(body) + 24)
            body += _attribute(Kind.MESSAGE_INTEGRITY, hmac.digest(key, head + body, "sha1"))
        head = self._head(len(body) + 8)
        return head + body + _attribute(Kind.FINGERPRINT, _fingerprint(head + body))

    def _head(self, length: int) -> bytes:
        # The two bits of the class stand between those of the method (section 5).
        kind = (self.method & 0xF80) << 2 | (self.method & 0x70) << 1 | self.method & 0xF
        kind |= (self.cls & 2) << 7 | (self.cls & 1) << 4
        return struct.pack(">HHI", kind, length, COOKIE) + self.transaction

    def is_signed_with(self, key: bytes) -> bool:
        """Whether a received message carries the right MESSAGE-INTEGRITY (section 14.5)."""
        offset = HEAD_BYTES
        for kind, value in self.attributes:
            if kind == Kind.MESSAGE_INTEGRITY:
                signed = self.raw[:2] + struct.pack(">H", offset + 24 - HEAD_BYTES) + self.raw[4:offset]
                return hmac.compare_digest(hmac.digest(key, signed, "sha1"), value)
            offset += 4 + len(value) + -len(value) % 4
        return False


def parse(data: bytes) -> Message:
    """Read one message.

    Raises:
        StunError: it is none, is cut off, or its fingerprint is wrong.
    """
    if len(data) < HEAD_BYTES or data[0] > 0x3F:
        raise StunError("it does not begin as a STUN message does")
    kind, length, cookie = struct.unpack_from(">HHI", data)
    if cookie != COOKIE or length % 4 or len(data) != HEAD_BYTES + length:
        raise StunError("its cookie or its length is wrong")
    attributes: list[tuple[int, bytes]] = []
    offset = HEAD_BYTES
    while offset < len(data):
        number, size = struct.unpack_from(">HH", data, offset)
        if offset + 4 + size > len(data) or len(attributes) == MAX_ATTRIBUTES:
            raise StunError("an attribute is longer than the message, or there are too many")
        if number == Kind.FINGERPRINT and data[offset + 4 : offset + 4 + size] != _fingerprint(data[:offset]):
            raise StunError("its fingerprint is wrong")
        attributes.append((number, data[offset + 4 : offset + 4 + size]))
        offset += 4 + size + -size % 4
    method = kind & 0xF | (kind & 0xE0) >> 1 | (kind & 0x3E00) >> 2
    return Message(method, (kind & 0x100) >> 7 | (kind & 0x10) >> 4, data[8:HEAD_BYTES], tuple(attributes), data)


def frame(buffer: bytes) -> tuple[bytes | None, bytes]:
    """Cut the first whole message off a stream (section 6.2.2).

    Returns:
        The message's bytes, or None when more must arrive; and the rest.

    Raises:
        StunError: the stream holds something else.
    """
    if buffer and buffer[0] > 0x3F:
        raise StunError("it does not begin as a STUN message does")
    if len(buffer) < HEAD_BYTES:
        return None, buffer
    total = HEAD_BYTES + int.from_bytes(buffer[2:4], "big")
    if buffer[4:8] != struct.pack(">I", COOKIE):
        raise StunError("its cookie is wrong")
    return (buffer[:total], buffer[total:]) if len(buffer) >= total else (None, buffer)


def long_term_key(user: str, realm: str, password: str) -> bytes:
    """Make the key of a long-term credential (section 18.5.1.1), the password as RFC 8265's OpaqueString has it."""
    opaque = unicodedata.normalize("NFC", password)
    return hashlib.md5(f"{user}:{realm}:{opaque}".encode(), usedforsecurity=False).digest()


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def _fingerprint(data: bytes) -> bytes:
    """The CRC of all before the attribute, whose length field already counts it."""
    return struct.pack(">I", zlib.crc32(data) ^ 0x5354554E)
