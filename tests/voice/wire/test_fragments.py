from clearline.voice.wire import fragments as f
from clearline.voice.wire.fragments import Fragments

KEY = (1, 2, 3, 17)


def test_a_missing_piece_is_waited_for_only_so_long() -> None:
    held = Fragments()
    assert held.add(KEY, 0, True, b"12345678", 0) is None
    assert held.add(KEY, 8, False, b"9", f.PATIENCE_US) is None  # another datagram of the same number
    assert held.given_up == 1
    assert held.add(KEY, 0, True, b"12345678", f.PATIENCE_US + 1) == b"123456789"


def test_pieces_that_overlap_make_no_datagram() -> None:
    held = Fragments()
    held.add(KEY, 0, True, b"12345678abcdefgh", 0)
    assert held.add(KEY, 8, False, b"XX", 0) is None


def test_what_waits_is_limited_in_number_pieces_and_length() -> None:
    held = Fragments()
    for n in range(f.MAX_DATAGRAMS + 3):
        held.add((n, 0, 0, 0), 0, True, b"12345678", 0)
    assert (len(held.waiting), held.given_up) == (f.MAX_DATAGRAMS, 3)
    for n in range(f.MAX_PIECES + 1):
        held.add(KEY, 16 * n, True, b"12345678", 0)
    assert KEY not in held.waiting
    assert held.add(KEY, 65_528, False, b"12345678", 0) is None
    assert KEY not in held.waiting
