"""Small captures made by hand: frames, SIP messages, RTP and RTCP packets, and files around them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from clearline.voice.analysis import Analysis, analyze

START_US = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z: every capture begins here."""


def udp(source: str, destination: str, payload: bytes, *, identification: int = 0) -> bytes:
    """An Ethernet frame: `source` and `destination` are `address:port`, IPv6 in brackets."""
    return ethernet(ip_packet(source, destination, payload, identification=identification), source)


def ethernet(packet: bytes, source: str) -> bytes:
    return bytes(12) + (b"\x86\xdd" if source.startswith("[") else b"\x08\x00") + packet


def ip_packet(source: str, destination: str, payload: bytes, *, identification: int = 0) -> bytes:
    (source_address, source_port), (destination_address, destination_port) = split(source), split(destination)
    datagram = struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload
    return ip(source_address, destination_address, 17, datagram, identification=identification)


def tcp(source: str, destination: str, sequence: int, payload: bytes, flags: int = 0x18) -> bytes:
    (source_address, source_port), (destination_address, destination_port) = split(source), split(destination)
    header = struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, 0, 0x50, flags, 65535, 0, 0)
    return ethernet(ip(source_address, destination_address, 6, header + payload), source)


def ip(source: str, destination: str, protocol: int, payload: bytes, *, identification: int = 0) -> bytes:
    if ":" in source:
        addresses = ip_address(source).packed + ip_address(destination).packed
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, 0, 64, protocol, 0)
    return header + ip_address(source).packed + ip_address(destination).packed + payload


def split(endpoint: str) -> tuple[str, int]:
    address, _, port = endpoint.rpartition(":")
    return address.strip("[]"), int(port)


TONE = bytes.fromhex("1e0b0b1e9e8b8b9e") * 20
"""20 ms of 1 kHz at 0 dBm0 in µ-law: the sequence of ITU-T G.711, table 6."""


def rtp(sequence: int, timestamp: int, *, ssrc: int = 0x1234, payload_type: int = 0, marker: bool = False,
        payload: bytes = TONE) -> bytes:  # fmt: skip
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def pcap(records: Sequence[tuple[int, bytes]], *, link: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A classic file of (µs after START_US, frame)."""
    magic, factor = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    out = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for after_us, frame in records:
        seconds, rest = divmod(START_US + after_us, 1_000_000)
        out.append(struct.pack(f"{order}IIII", seconds, rest * factor, len(frame), len(frame)) + frame)
    return b"".join(out)


ALICE = "10.0.0.1:5060"
BOB = "10.0.0.2:5060"
ALICE_AUDIO = "10.0.0.1:4000"
BOB_AUDIO = "10.0.0.2:4002"


def sdp(audio: str, formats: str = "0 101", lines: Sequence[str] = ("a=rtpmap:101 telephone-event/8000",)) -> bytes:
    address, port = split(audio)
    family = "IP6" if ":" in address else "IP4"
    head = ["v=0", f"o=- 1 1 IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0"]
    return "\r\n".join([*head, f"m=audio {port} RTP/AVP {formats}", *lines, ""]).encode()


@dataclass
class Dialog:
    """Writes the messages of one call."""

    call_id: str = "c1@example.com"
    caller: str = "sip:alice@example.com"
    callee: str = "sip:bob@example.com"
    from_tag: str = "a1"
    to_tag: str = "b1"

    def request(self, method: str, cseq: int = 1, body: bytes = b"", *, by_callee: bool = False, to_tag: bool = False,
                extra: Sequence[str] = (), branch: str = "") -> bytes:  # fmt: skip
        caller, callee = f"<{self.caller}>;tag={self.from_tag}", f"<{self.callee}>"
        if to_tag or by_callee:
            callee += f";tag={self.to_tag}"
        sender, receiver = (callee, caller) if by_callee else (caller, callee)
        return self._message(
            f"{method} {self.callee} SIP/2.0", sender, receiver, f"{cseq} {method}", body, extra, branch
        )

    def response(self, status: str, cseq: str = "1 INVITE", body: bytes = b"", *, tag: str | None = None,
                 by_caller: bool = False, extra: Sequence[str] = ()) -> bytes:  # fmt: skip
        caller = f"<{self.caller}>;tag={self.from_tag}"
        callee = f"<{self.callee}>" + ("" if status.startswith("100") else f";tag={tag or self.to_tag}")
        sender, receiver = (callee, caller) if by_caller else (caller, callee)
        return self._message(f"SIP/2.0 {status}", sender, receiver, cseq, body, extra, "")

    def _message(self, first: str, sender: str, receiver: str, cseq: str, body: bytes, extra: Sequence[str],
                 branch: str) -> bytes:  # fmt: skip
        lines = [
            first,
            f"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{branch or cseq.replace(' ', '')}",
            f"From: {sender}",
            f"To: {receiver}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq}",
            *extra,
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def call(dialog: Dialog | None = None, *, rings_us: int = 200_000, answers_us: int = 1_000_000,
         ends_us: int = 11_000_000) -> list[tuple[int, bytes]]:  # fmt: skip
    """A plain call: INVITE, 100, 180, 200, ACK, BYE of the caller, 200."""
    d = dialog or Dialog()
    return [
        (0, udp(ALICE, BOB, d.request("INVITE", body=sdp(ALICE_AUDIO)))),
        (10_000, udp(BOB, ALICE, d.response("100 Trying"))),
        (rings_us, udp(BOB, ALICE, d.response("180 Ringing"))),
        (answers_us, udp(BOB, ALICE, d.response("200 OK", body=sdp(BOB_AUDIO)))),
        (answers_us + 5_000, udp(ALICE, BOB, d.request("ACK", to_tag=True))),
        (ends_us, udp(ALICE, BOB, d.request("BYE", 2, to_tag=True))),
        (ends_us + 30_000, udp(BOB, ALICE, d.response("200 OK", "2 BYE"))),
    ]


def speech(count: int = 500, *, start_us: int = 1_010_000, source: str = ALICE_AUDIO, destination: str = BOB_AUDIO,
           ssrc: int = 0x1234, first: int = 100) -> list[tuple[int, bytes]]:  # fmt: skip
    """Regular G.711 packets of 20 ms."""
    return [(start_us + 20_000 * i, udp(source, destination, rtp(first + i, 160 * i, ssrc=ssrc))) for i in range(count)]


def both_ways(count: int = 500) -> list[tuple[int, bytes]]:
    return speech(count) + speech(count, source=BOB_AUDIO, destination=ALICE_AUDIO, ssrc=0x5678, first=65_500)


def in_time(records: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return sorted(records, key=lambda record: record[0])


Record = tuple[int, bytes]


def analysed(records: Sequence[Record]) -> Analysis:
    """What the whole analyser says of these records."""
    return analyze([pcap(in_time(records))], "test.pcap")


def there(at_us: int, message: bytes) -> Record:
    """A SIP message from the caller's end."""
    return at_us, udp(ALICE, BOB, message)


def back(at_us: int, message: bytes) -> Record:
    return at_us, udp(BOB, ALICE, message)
