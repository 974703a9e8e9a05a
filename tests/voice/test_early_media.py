"""Media captured before the description that names its formats: early media, late offers, messages out of order."""

import pytest
from tests.voice import media
from tests.voice.captures import ALICE_AUDIO, BOB_AUDIO, TONE, Dialog, Record, back, sdp, there, udp
from tests.voice.media import analysed

from clearline.voice import call
from clearline.voice.results import Stream
from clearline.voice.results.findings import findings

D = Dialog()
S = 1_000_000
BEFORE = 100
"""Packets of `media.stream`, which begins at 1.01 s, before 3 s."""


def described(at_us: int, answer: bytes, offer: bytes = b"") -> list[Record]:
    """A call whose answer, and its offer if there is none in the INVITE, come so late."""
    return [
        there(0, D.request("INVITE", body=offer)),
        back(at_us, D.response("200 OK", body=answer)),
        there(at_us + 5_000, D.request("ACK", to_tag=True)),
    ]


def only_stream(records: list[Record]) -> Stream:
    (found,) = analysed(records).streams
    return found


def opus(count: int, payload_type: int = 111, *, lost: tuple[int, ...] = ()) -> list[Record]:
    """Packets of libopus that each carry the one before."""
    packet = media.opus_packets("narrowband, 20 ms, FEC")[0][1]
    return media.stream([packet] * count, payload_type=payload_type, ticks=960, lost=lost)


def test_payloads_are_looked_into_from_their_description_on_and_those_before_are_counted() -> None:
    answer = sdp(BOB_AUDIO, "111", media.OPUS)
    found = only_stream([*described(3 * S, answer), *opus(200, lost=(50, 150))])
    assert (found.call_id, found.codec, found.undescribed) == (D.call_id, "opus", BEFORE - 1)
    assert (found.clock_rate, found.clock_guessed) == (48_000, False)
    assert found.redundancy is not None
    assert (found.redundancy.packets, found.redundancy.repaired, found.redundancy.residual) == (BEFORE - 1, 1, 1)
    assert "99 packets came before their description: they were not looked into" in findings(found)
    assert found.to_json()["undescribed"] == 99
    early = only_stream([*described(1 * S, answer), *opus(200)])
    assert early.undescribed == 0
    assert not any("description" in sentence for sentence in findings(early))


def test_the_clock_rate_that_a_description_names_replaces_a_wrong_guess() -> None:
    answer = sdp(BOB_AUDIO, "97", ("a=rtpmap:97 L16/44100",))
    late = only_stream([*described(3 * S, answer), *media.stream([b"\0" * 40] * 200, payload_type=97, ticks=960)])
    assert (late.clock_rate, late.clock_guessed) == (44_100, False)


def test_the_clock_rate_stays_a_guess_where_a_description_names_none() -> None:
    answer = sdp(BOB_AUDIO, "111", ("a=rtpmap:111 opus",))
    late = only_stream([*described(3 * S, answer), *opus(200)])
    assert (late.clock_rate, late.clock_guessed, late.undescribed) == (48_000, True, BEFORE)


def test_what_a_static_payload_type_names_is_looked_into_from_the_first_packet() -> None:
    found = only_stream([*described(3 * S, sdp(BOB_AUDIO, "0")), *media.stream([TONE] * 300, payload_type=0)])
    assert found.undescribed == 0
    assert found.level is not None


def test_a_level_measured_before_payloads_were_said_to_be_encrypted_is_not_told() -> None:
    answer = sdp(BOB_AUDIO, "0").replace(b"RTP/AVP", b"RTP/SAVP")
    found = only_stream([*described(3 * S, answer), *media.stream([TONE] * 120, payload_type=0)])
    assert (found.level, found.level_unknown) == (None, "payloads are encrypted")


def test_early_media_found_by_its_source_is_known_by_the_answer_when_that_comes() -> None:
    offer = sdp(ALICE_AUDIO, "111", media.OPUS)
    answer = sdp(BOB_AUDIO, "96", ("a=rtpmap:96 opus/48000/2",))
    found = only_stream([*described(3 * S, answer, offer), *opus(200, 96)])
    assert (found.call_id, found.codec, found.from_caller) == (D.call_id, "opus", True)
    assert found.undescribed == BEFORE


@pytest.mark.parametrize(("told", "undescribed"), [(1000, BEFORE), (0, 0)], ids=["few streams", "too many streams"])
def test_a_later_description_tells_what_the_first_left_open(
    monkeypatch: pytest.MonkeyPatch, told: int, undescribed: int
) -> None:
    monkeypatch.setattr(call, "MAX_TOLD", told)
    again = [back(3 * S, D.request("INVITE", 7, by_callee=True, body=sdp(BOB_AUDIO, "111", media.OPUS)))]
    found = only_stream([*described(S, sdp(BOB_AUDIO, "111", ())), *again, *opus(200)])
    assert (found.codec, found.undescribed) == ("opus", undescribed)


def test_a_stream_stays_with_its_call_when_another_describes_the_endpoint_it_was_sent_to() -> None:
    offer = sdp(ALICE_AUDIO, "111", media.OPUS)
    other = Dialog(call_id="c2", from_tag="a2", to_tag="b2")
    records = [
        there(0, D.request("INVITE", body=offer)),
        *opus(100),
        udp_invite(5 * S, other),
    ]
    found = only_stream(records)
    assert (found.call_id, found.undescribed) == (D.call_id, 0)


def udp_invite(at_us: int, dialog: Dialog) -> Record:
    """An INVITE of somebody who receives where the callee of the other call did."""
    return at_us, udp("10.0.0.7:5060", "10.0.0.8:5060", dialog.request("INVITE", body=sdp(BOB_AUDIO, "0")))
