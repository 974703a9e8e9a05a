import gzip as reference

import pytest

from clearline.voice.wire.gzip import PIECE_BYTES, inflated

DATA = bytes(range(256)) * 5000


@pytest.mark.parametrize("piece", [1, 1000, 1 << 22])
def test_compressed_files_are_inflated_and_plain_ones_passed_on(piece: int) -> None:
    for stored in (
        DATA,
        reference.compress(DATA),
        reference.compress(DATA[:9]) + reference.compress(DATA[9:]) + bytes(512),
    ):
        stored_pieces = [stored[at : at + piece] for at in range(0, min(len(stored), 3_000_000), piece)]
        if piece > 1 or len(stored) < 100_000:
            out = list(inflated(stored_pieces))
            assert b"".join(out).rstrip(b"\0")[:1000] == DATA[:1000]
            assert sum(map(len, out)) >= len(DATA)


def test_nothing_stays_nothing() -> None:
    assert list(inflated([])) == []
    assert list(inflated([b"", b"\x1f"])) == [b"\x1f"]


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = reference.compress(bytes(20_000_000))
    assert max(len(piece) for piece in inflated([bomb])) <= PIECE_BYTES


def test_a_damaged_or_cut_file_ends_where_it_breaks() -> None:
    stored = reference.compress(DATA)
    assert 0 < len(b"".join(inflated([stored[: len(stored) // 2]]))) < len(DATA)
    broken = stored[:200] + b"\xff" * 50 + stored[250:]
    assert len(b"".join(inflated([broken]))) <= len(DATA)
