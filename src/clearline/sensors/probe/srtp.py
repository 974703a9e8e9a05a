"""Audio encrypted by SRTP (RFC 3711), its keys told in the session description (SDES, RFC 4568).

The one suite every implementation has: AES in counter mode with 128 bits, HMAC-SHA1 with 80 bits. No socket, no clock,
and the random octets of a key are an argument.
"""

import base64
import hashlib
import hmac
import re
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_BYTES = 30
"""A master key of 16 octets and a master salt of 14, as `inline:` has them (RFC 4568 section 6.1)."""

TAG_BYTES = 10
HEAD_BYTES = 12
MOST_SOURCES = 16
"""Synchronisation sources of one call whose packets are counted; those of more are not opened."""

_ENCRYPTION, _AUTHENTICATION, _SALT = 0, 1, 2
"""Labels of the key derivation (RFC 3711 section 4.3.1)."""

_ATTRIBUTE = re.compile(
    rf"^a=crypto:\d{{1,9}} {SUITE} inline:([A-Za-z0-9+/]{{40}})(?:\|(?:2\^)?\d{{1,20}})?\s*$", re.MULTILINE
)
"""With or without a lifetime; a key that is one of several (MKI) is not understood."""


def attribute(key: bytes) -> str:
    """Write a key as the session description has it."""
    return f"a=crypto:1 {SUITE} inline:{base64.b64encode(key).decode()}"


def key_of(description: str) -> bytes | None:
    """Read the key out of a session description; None: it has none of our suite."""
    found = _ATTRIBUTE.search(description.replace("\r\n", "\n"))
    return base64.b64decode(found[1]) if found else None


class Srtp:
    """One direction of a call: seals its packets, or opens them."""

    def __init__(self, key: bytes) -> None:
        """Start at the first packet, with a roll-over counter of 0.

        Args:
            key: `KEY_BYTES` octets.
        """
        self._cipher_key = derived(key, _ENCRYPTION, 16)
        self._mac_key = derived(key, _AUTHENTICATION, 20)
        self._salt = int.from_bytes(derived(key, _SALT, 14), "big")
        self._highest: dict[int, int] = {}
        """Source → its highest index so far."""

    def seal(self, packet: bytes) -> bytes:
        """Encrypt and sign an RTP packet (RFC 3711 section 3.3)."""
        index = self._index(packet)
        self._highest[_source(packet)] = index
        head, payload = packet[:HEAD_BYTES], packet[HEAD_BYTES:]
        sealed = head + self._turned(payload, _source(packet), index)
        return sealed + self._tag(sealed, index)

    def open(self, packet: bytes) -> bytes | None:
        """Check and decrypt a packet; None: it is none that the other side has sealed."""
        if len(packet) < HEAD_BYTES + TAG_BYTES:
            return None
        sealed, tag = packet[:-TAG_BYTES], packet[-TAG_BYTES:]
        source, index = _source(packet), self._index(packet)
        begins = _payload_begins(sealed)
        if begins > len(sealed) or not hmac.compare_digest(tag, self._tag(sealed, index)):
            return None
        if source not in self._highest and len(self._highest) >= MOST_SOURCES:
            return None
        self._highest[source] = max(index, self._highest.get(source, 0))
        return sealed[:begins] + self._turned(sealed[begins:], source, index)

    def _index(self, packet: bytes) -> int:
        """The packet's index: its sequence number behind the roll-over counter that fits best (section 3.3.1)."""
        sequence = int.from_bytes(packet[2:4], "big")
        highest = self._highest.get(_source(packet), sequence)
        step = (sequence - highest + 0x8000) % 0x10000 - 0x8000
        return max(highest + step, sequence)

    def _turned(self, payload: bytes, source: int, index: int) -> bytes:
        """Encrypt, or decrypt: both are one (section 4.1.1)."""
        start = (self._salt << 16) ^ (source << 64) ^ (index << 16)
        return _keystream(self._cipher_key, start, payload)

    def _tag(self, sealed: bytes, index: int) -> bytes:
        signed = sealed + struct.pack(">I", index >> 16 & 0xFFFFFFFF)
        return hmac.new(self._mac_key, signed, hashlib.sha1).digest()[:TAG_BYTES]


def derived(key: bytes, label: int, length: int) -> bytes:
    """Derive a session key from master key and salt (RFC 3711 section 4.3.1, key derivation rate 0).

    Args:
        key: `KEY_BYTES` octets.
        label: what it is for.
        length: octets.
    """
    start = (int.from_bytes(key[16:], "big") ^ (label << 48)) << 16
    return _keystream(key[:16], start, bytes(length))


def _keystream(key: bytes, start: int, data: bytes) -> bytes:
    encryptor = Cipher(AES(key), CTR(start.to_bytes(16, "big"))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _source(packet: bytes) -> int:
    return int.from_bytes(packet[8:12], "big")


def _payload_begins(packet: bytes) -> int:
    """Where the payload stands: behind the contributing sources and the extension, which are not encrypted."""
    begins = HEAD_BYTES + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and len(packet) >= begins + 4:
        begins += 4 + 4 * int.from_bytes(packet[begins + 2 : begins + 4], "big")
    return begins
