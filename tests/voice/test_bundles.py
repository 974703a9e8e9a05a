"""Several sections on one transport, and transports of several addresses."""

import pytest
from tests.voice import captures as c
from tests.voice.captures import Dialog, Record, analysed, back, call, sdp, there, udp

D = Dialog()
S = 1_000_000


def test_bundled_and_encrypted_media_is_found_by_its_one_transport() -> None:
    body = (
        sdp(
            "10.0.0.2:7000",
            "111",
            [
                "a=rtpmap:111 opus/48000/2",
                "a=mid:0",
                "a=rtcp-mux",
                "m=video 7000 UDP/TLS/RTP/SAVPF 96",
                "a=rtpmap:96 VP8/90000",
                "a=mid:1",
            ],
        )
        .replace(b"t=0 0", b"t=0 0\r\na=group:BUNDLE 0 1")
        .replace(b"audio 7000 RTP/AVP", b"audio 7000 UDP/TLS/RTP/SAVPF")
    )
    records = call()
    records[3] = back(1 * S, D.response("200 OK", body=body))
    records += [
        (2 * S + 20_000 * i, udp(c.ALICE_AUDIO, "10.0.0.2:7000", c.rtp(i, 960 * i, payload_type=111)))
        for i in range(50)
    ]
    (stream,) = analysed(records).streams
    assert (stream.codec, stream.secure, stream.call_id) == ("opus", True, D.call_id)


def conference(*lines: str) -> bytes:
    """An offer of sound and picture on one transport, the picture's port its own until the answer accepts that."""
    head = ["v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-", "c=IN IP4 10.0.0.2", "t=0 0", "a=group:BUNDLE a v"]
    return "\r\n".join([*head, *lines, ""]).encode()


def media(at_us: int, destination: str, payload_type: int, ssrc: int) -> list[Record]:
    return [
        (at_us + 20_000 * i, udp(c.ALICE_AUDIO, destination, c.rtp(i, 1800 * i, ssrc=ssrc, payload_type=payload_type)))
        for i in range(20)
    ]


AUDIO = ("m=audio 7000 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2", "a=mid:a")
VIDEO = ("UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000", "a=mid:v")


@pytest.mark.parametrize("port", ["7000", "0", "9"])
def test_every_section_of_a_bundle_is_known_by_its_payload_types(port: str) -> None:
    body = conference(*AUDIO, f"m=video {port} {VIDEO[0]}", *VIDEO[1:])
    records = [*call()[:3], back(1 * S, D.response("200 OK", body=body))]
    records += media(2 * S, "10.0.0.2:7000", 111, 1) + media(2 * S, "10.0.0.2:7000", 96, 2)
    again = [there(3 * S, D.request("INVITE", 5, to_tag=True)), back(3 * S, D.response("200 OK", "5 INVITE", body))]
    for signalling in ([], again):
        streams = analysed(records + signalling).streams
        assert [(s.codec, s.clock_rate, s.call_id, s.secure) for s in streams] == [
            ("opus", 48000, D.call_id, True),
            ("VP8", 90000, D.call_id, True),
        ]


def test_a_bundle_that_was_not_accepted_leaves_each_section_its_own_port() -> None:
    body = conference(*AUDIO, f"m=video 7010 {VIDEO[0]}", *VIDEO[1:])
    records = [*call()[:3], back(1 * S, D.response("200 OK", body=body)), *media(2 * S, "10.0.0.2:7010", 96, 2)]
    (stream,) = analysed(records).streams
    assert (stream.codec, stream.call_id) == ("VP8", D.call_id)


def test_media_sent_to_a_candidate_belongs_to_the_section_that_named_it() -> None:
    body = conference(
        AUDIO[0].replace("7000", "9"),
        *AUDIO[1:],
        "a=candidate:1 1 udp 2130706431 192.0.2.8 50000 typ host",
        "a=candidate:2 2 udp 2130706431 192.0.2.8 50001 typ host",
        "a=candidate:3 1 tcp 1518280447 192.0.2.8 9 typ host tcptype active",
        "a=candidate:4 1 udp 2130706431 f00.local 50002 typ host",
        "a=candidate:5 1 udp 2130706431 192.0.2.8 70000 typ host",
        "a=candidate:6 1 udp",
    )
    body = body.replace(b"c=IN IP4 10.0.0.2", b"c=IN IP4 0.0.0.0")
    records = [*call()[:3], back(1 * S, D.response("200 OK", body=body))]
    found = analysed([*records, *media(2 * S, "192.0.2.8:50000", 111, 1)]).streams
    assert [(s.codec, s.call_id, s.from_caller) for s in found] == [("opus", D.call_id, True)]
    other = analysed([*records, *media(2 * S, "192.0.2.8:50002", 111, 1)]).streams
    assert [s.from_caller for s in other] == [True]  # found by its source, not by a candidate
