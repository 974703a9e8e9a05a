"""Calls whose session descriptions name any payload format, and the streams of them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.voice import captures as c

from clearline.voice.analysis import Analysis, analyze

DATA = Path(__file__).parent / "data"

OPUS = ("a=rtpmap:111 opus/48000/2",)
RED = ("a=rtpmap:96 red/8000", "a=fmtp:96 0/0")


def analysed(records: Iterable[c.Record], **options: str) -> Analysis:
    return analyze([c.pcap(c.in_time(list(records)))], "test.pcap", **options)


def announced(formats: str, lines: Sequence[str], *, kind: str = "audio", secure: bool = False,
              ends_us: int = 2_500_000) -> list[c.Record]:  # fmt: skip
    """A call both of whose parties describe their media so; shorter than what is flagged for media that stopped."""
    d = c.Dialog()

    def described(endpoint: str) -> bytes:
        body = c.sdp(endpoint, formats, lines).replace(b"m=audio", f"m={kind}".encode())
        return body.replace(b"RTP/AVP", b"RTP/SAVP") if secure else body

    return [
        (0, c.udp(c.ALICE, c.BOB, d.request("INVITE", body=described(c.ALICE_AUDIO)))),
        (1_000_000, c.udp(c.BOB, c.ALICE, d.response("200 OK", body=described(c.BOB_AUDIO)))),
        (1_005_000, c.udp(c.ALICE, c.BOB, d.request("ACK", to_tag=True))),
        (ends_us, c.udp(c.ALICE, c.BOB, d.request("BYE", 2, to_tag=True))),
        (ends_us + 30_000, c.udp(c.BOB, c.ALICE, d.response("200 OK", "2 BYE"))),
    ]


def stream(payloads: Sequence[bytes], *, payload_type: int, ticks: int = 160, packet_us: int = 20_000,
           lost: Iterable[int] = (), delays_us: dict[int, int] | None = None) -> list[c.Record]:  # fmt: skip
    """One packet a payload from Alice to Bob, less the lost ones, some of them delayed."""
    gone, delayed = set(lost), delays_us or {}
    return [
        (
            1_010_000 + packet_us * n + delayed.get(n, 0),
            c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(n, ticks * n, payload_type=payload_type, payload=payload)),
        )
        for n, payload in enumerate(payloads)
        if n not in gone
    ]


def opus_packets(name: str) -> tuple[list[bytes], list[bool]]:
    """Packets of libopus and which carry redundancy, see test_opus."""
    run = next(run for run in json.loads((DATA / "opus_packets.json").read_text()) if run["name"] == name)
    return [bytes.fromhex(packet) for packet in run["packets"]], [flag == "1" for flag in run["redundant"]]
