"""Compressed captures (RFC 1952), inflated piece by piece."""

import contextlib
import zlib
from collections.abc import Iterable, Iterator

MAGIC = b"\x1f\x8b"

PIECE_BYTES = 262_144
"""The most that is inflated at a time: a piece of a megabyte may hold a thousand."""


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the pieces of a file on, inflated when it begins as gzip does; members that follow each other are one file.

    A damaged or cut member ends the file there: what came before it stays.
    """
    pieces = iter(chunks)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(MAGIC):
            break
    if not head.startswith(MAGIC):
        if head:
            yield head
        yield from pieces
        return
    try:
        yield from _members(head, pieces)
    except zlib.error:
        return


def _members(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)
    waiting = head
    while True:
        while waiting:
            before = inflater.copy()
            try:
                out = inflater.decompress(waiting, PIECE_BYTES)
            except zlib.error:
                yield from _up_to_the_damage(before, waiting)
                raise
            if out:
                yield out
            if inflater.eof:
                waiting = inflater.unused_data.lstrip(b"\0")
                inflater = zlib.decompressobj(wbits=31)
            else:
                waiting = inflater.unconsumed_tail
        following = next(pieces, None)
        if following is None:
            return
        waiting = following


def _up_to_the_damage(inflater: "zlib._Decompress", waiting: bytes) -> Iterator[bytes]:
    """Inflate octet by octet what stands before a damaged place: how much is lost must not hang on the pieces' size."""
    with contextlib.suppress(zlib.error):
        yield from map(inflater.decompress, map(bytes, zip(waiting, strict=True)))
