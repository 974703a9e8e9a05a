"""Makes seeded captures of many calls, and knows what is in them.

The truth is computed from the packets' list by sorting and set arithmetic with numpy, apart from the analyser's code.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

START_US = 1_790_000_000_000_000
FRAME_US = 20_000
FRAME_BYTES = 214
"""Ethernet, IPv4, UDP, RTP and 160 octets of G.711."""
REPORT_US = 5_000_000
"""Between two reports of one party, where the capture is long enough for four of them."""
BLOCK = 200_000
"""Packets written at a time."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Packets:
    """RTP packets in the order of the capture."""

    stream: Ints
    number: Ints
    """Extended sequence number."""
    at_us: Ints


@dataclass(frozen=True)
class Truth:
    """What each stream holds, by its index."""

    received: Ints
    expected: Ints
    lost: Ints
    duplicates: Ints
    reordered: Ints
    jitter_mean_ticks: NDArray[np.float64]
    jitter_max_ticks: NDArray[np.float64]
    delay_us: Ints
    """One way, by stream."""
    variation_us: NDArray[np.int64]
    """By stream: what 50, 95 and 99 % of the packets were at most late (nearest rank)."""


def packets(calls: int, per_stream: int, seed: int) -> Packets:
    """Send, lose, delay, repeat and disorder: 55 % of the streams clean, 20 % with random and 15 % with bursty loss,
    10 % with packets out of order and twice."""
    random = np.random.default_rng(seed)
    streams = 2 * calls
    starts = np.repeat(random.integers(1_000_000, 1_500_000, calls), 2)
    kind = random.choice(4, streams, p=[0.55, 0.20, 0.15, 0.10])
    spread_us = random.uniform(100, 4_000, streams)
    share = random.uniform(0.002, 0.04, streams)
    first = random.integers(0, 65_536, streams)
    parts = []
    bad_state = np.zeros(streams, bool)
    everyone = np.arange(streams)
    for k in range(per_stream):
        lost = (kind == 1) & (random.random(streams) < share)
        enters, leaves = random.random(streams) < 0.005, random.random(streams) < 0.25
        bad_state = np.where(bad_state, ~leaves, enters) & (kind == 2)
        lost |= bad_state & (random.random(streams) < 0.7)
        at = starts + k * FRAME_US + random.gamma(2.0, spread_us / 2).astype(np.int64)
        at += (random.random(streams) < 0.001) * random.integers(20_000, 120_000, streams)
        late = (kind == 3) & (random.random(streams) < 0.01)
        at += late * random.integers(25_000, 70_000, streams)
        keep = everyone[~lost]
        parts.append((keep, first[keep] + k, at[keep]))
        twice = everyone[~lost & (kind == 3) & (random.random(streams) < 0.01)]
        parts.append((twice, first[twice] + k, at[twice] + random.integers(1, 30_000, len(twice))))
    stream, number, at = (np.concatenate([part[i] for part in parts]).astype(np.int64) for i in range(3))
    order = np.argsort(at, kind="stable")
    return Packets(stream[order], number[order] + 65_536, at[order])


def truth(sent: Packets, calls: int) -> Truth:
    """Work out every stream's counts and jitter from the list."""
    streams = 2 * calls
    order = np.argsort(sent.stream, kind="stable")
    stream, number, at = sent.stream[order], sent.number[order], sent.at_us[order]
    key = stream << 32 | number
    _, first_place = np.unique(key, return_index=True)
    unique = np.zeros(len(key), bool)
    unique[first_place] = True
    total = np.bincount(stream, minlength=streams)
    stream, number, at = stream[unique], number[unique], at[unique]
    received = np.bincount(stream, minlength=streams)
    begin = np.concatenate(([0], np.cumsum(received)[:-1]))
    expected = np.maximum.reduceat(number, begin) - np.minimum.reduceat(number, begin) + 1
    highest = np.maximum.accumulate(stream << 32 | number)
    behind = (stream << 32 | number) < highest
    mean, most = _jitter(number, at, begin, received)
    delays = _delays_us(calls)
    return Truth(
        received=received,
        expected=expected,
        lost=expected - received,
        duplicates=total - received,
        reordered=np.bincount(stream[behind], minlength=streams),
        jitter_mean_ticks=mean,
        jitter_max_ticks=most,
        delay_us=np.repeat(delays.sum(axis=1), 2),
        variation_us=_variation_us(number, at, begin, received),
    )


def _jitter(number: Ints, at: Ints, begin: Ints, received: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RFC 3550 section 6.4.1 for all streams side by side, packet after packet."""
    jitter = np.zeros(len(begin))
    total, most = np.zeros(len(begin)), np.zeros(len(begin))
    for k in range(1, int(received.max())):
        live = np.nonzero(received > k)[0]
        here = begin[live] + k
        elapsed_ticks = (at[here] - at[here - 1]) * 0.008
        difference = np.abs(elapsed_ticks - (number[here] - number[here - 1]) * 160)
        jitter[live] += (difference - jitter[live]) / 16
        total[live] += jitter[live]
        most[live] = np.maximum(most[live], jitter[live])
    return total / np.maximum(received - 1, 1), most


def _variation_us(number: Ints, at: Ints, begin: Ints, received: Ints) -> NDArray[np.int64]:
    """How late packets came beside the fastest so far, whose transit may rise by 1 in 1000 of the time that passes."""
    transit = at - number * FRAME_US
    transit -= np.repeat(transit[begin], received)
    base = np.zeros(len(begin), np.int64)
    late = np.zeros(len(at), np.int64)
    for k in range(1, int(received.max())):
        live = np.nonzero(received > k)[0]
        here = begin[live] + k
        base[live] = np.minimum(base[live] + (at[here] - at[here - 1]) // 1000, transit[here])
        late[here] = transit[here] - base[live]
    found = np.zeros((len(begin), 3), np.int64)
    for stream, (start, packets) in enumerate(zip(begin, received, strict=True)):
        ordered = np.sort(late[start + 1 : start + packets])
        found[stream] = [ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95, 99)]
    return found


def _delays_us(calls: int) -> Ints:
    """One way from the point of capture to the caller and to the callee."""
    call = np.arange(calls)
    return np.stack([2_000 + call % 50 * 1_000, 3_000 + call % 70 * 1_000], axis=1)


def write(path: Path, sent: Packets, calls: int) -> int:
    """Write the capture; return how many records it has."""
    others = sorted(_signalling(calls, int(sent.at_us.max())), key=lambda record: record[0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        waiting = 0
        for start in range(0, len(sent.at_us), BLOCK):
            block = slice(start, start + BLOCK)
            rows = _rows(sent.stream[block], sent.number[block], sent.at_us[block])
            done = 0
            last = start + BLOCK >= len(sent.at_us)
            while waiting < len(others) and (last or others[waiting][0] <= sent.at_us[block][-1]):
                at, frame = others[waiting]
                place = int(np.searchsorted(sent.at_us[block], at))
                file.write(rows[done:place].tobytes())
                file.write(_record(at, frame))
                done, waiting = place, waiting + 1
            file.write(rows[done:].tobytes())
    return len(sent.at_us) + len(others)


def _rows(stream: Ints, number: Ints, at: Ints) -> NDArray[np.uint8]:
    """Write RTP packets as records side by side."""
    rows = np.zeros((len(stream), 16 + FRAME_BYTES), np.uint8)

    def put(column: int, values: Ints, kind: str) -> None:
        octets = np.asarray(values).astype(kind)
        rows[:, column : column + octets.itemsize] = octets.view(np.uint8).reshape(len(stream), -1)

    moment = at + START_US
    put(0, moment // 1_000_000, "<u4")
    put(4, moment % 1_000_000, "<u4")
    rows[:, 8:16] = np.frombuffer(struct.pack("<II", FRAME_BYTES, FRAME_BYTES), np.uint8)
    rows[:, 28:30] = (8, 0)
    rows[:, 30:40] = np.frombuffer(struct.pack("!BBHHHBB", 0x45, 0, FRAME_BYTES - 14, 0, 0, 64, 17), np.uint8)
    call, back = stream >> 1, stream & 1
    caller, callee = 0x0A000000 + call, 0x0A800000 + call
    put(42, np.where(back, callee, caller), ">u4")
    put(46, np.where(back, caller, callee), ">u4")
    put(50, np.where(back, 30_000, 20_000), ">u2")
    put(52, np.where(back, 20_000, 30_000), ">u2")
    rows[:, 54:56] = np.frombuffer(struct.pack("!H", FRAME_BYTES - 34), np.uint8)
    rows[:, 58] = 0x80
    put(60, number & 0xFFFF, ">u2")
    put(62, number * 160 & 0xFFFFFFFF, ">u4")
    put(66, ssrc(stream), ">u4")
    rows[:, 70:] = 0xD5
    return rows


def ssrc(stream: Ints) -> Ints:
    """Give each stream its source identifier."""
    return stream * 2_654_435_761 + 97 & 0xFFFFFFFF


def _record(at: int, frame: bytes) -> bytes:
    seconds, rest = divmod(at + START_US, 1_000_000)
    return struct.pack("<IIII", seconds, rest, len(frame), len(frame)) + frame


def _udp(source: tuple[int, int], destination: tuple[int, int], payload: bytes) -> bytes:
    datagram = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, source[0], destination[0])
    return bytes(12) + b"\x08\x00" + ip + datagram


def _signalling(calls: int, last_us: int) -> Iterator[tuple[int, bytes]]:
    """The SIP messages and RTCP reports of all calls."""
    delays = _delays_us(calls)
    for call in range(calls):
        yield from _dialog(call, 100_000 + call * 17 % 500_000, last_us + 50_000 + call * 11 % 400_000)
        yield from _reports(call, int(delays[call, 0]), int(delays[call, 1]), last_us)


def _dialog(call: int, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    caller, callee = 0x0A000000 + call, 0x0A800000 + call
    to_callee, to_caller = ((caller, 5060), (callee, 5060)), ((callee, 5060), (caller, 5060))

    def message(first: str, cseq: str, tag: str, sdp: str = "") -> bytes:
        lines = [
            first,
            f"Via: SIP/2.0/UDP {_text(caller)}:5060;branch=z9hG4bK{call}{cseq[:3]};rport",
            "Max-Forwards: 70",
            f'From: "User {call}" <sip:{call}@{_text(caller)}>;tag=f{call}',
            f"To: <sip:9{call}@{_text(callee)}>{tag}",
            f"Call-ID: {call:08x}-bench@{_text(caller)}",
            f"CSeq: {cseq}",
            f"Contact: <sip:{call}@{_text(caller)}:5060>",
            "User-Agent: bench",
            *(["Content-Type: application/sdp"] if sdp else []),
            f"Content-Length: {len(sdp)}",
        ]
        return ("\r\n".join([*lines, "", ""]) + sdp).encode()

    uri, tag = f"sip:9{call}@{_text(callee)}", f";tag=t{call}"
    yield at, _udp(*to_callee, message(f"INVITE {uri} SIP/2.0", "1 INVITE", "", _sdp(caller, 20_000)))
    yield at + 2_000, _udp(*to_caller, message("SIP/2.0 100 Trying", "1 INVITE", ""))
    yield at + 90_000, _udp(*to_caller, message("SIP/2.0 180 Ringing", "1 INVITE", tag))
    yield at + 300_000, _udp(*to_caller, message("SIP/2.0 200 OK", "1 INVITE", tag, _sdp(callee, 30_000)))
    yield at + 304_000, _udp(*to_callee, message(f"ACK {uri} SIP/2.0", "1 ACK", tag))
    yield end, _udp(*to_callee, message(f"BYE {uri} SIP/2.0", "2 BYE", tag))
    yield end + 20_000, _udp(*to_caller, message("SIP/2.0 200 OK", "2 BYE", tag))


def _text(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def _sdp(address: int, port: int) -> str:
    where = f"IN IP4 {_text(address)}"
    return f"v=0\r\no=- 1 1 {where}\r\ns=-\r\nc={where}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"


def _reports(call: int, near_us: int, far_us: int, last_us: int) -> Iterator[tuple[int, bytes]]:
    """Sender reports of both parties, each answering the other's last by way of LSR and DLSR."""
    caller, callee = (0x0A000000 + call, 20_001), (0x0A800000 + call, 30_001)
    here, there = (int(ssrc(np.array([2 * call + i]))[0]) for i in (0, 1))
    previous: tuple[int, int] = (0, 0)  # when the other party's last report passed the capture, and its NTP middle
    at = 2_000_000 + call * 37 % 1_000_000
    pause_us = min(REPORT_US, last_us // 5) // 2
    turn = 0
    while at < last_us:
        from_caller = turn % 2 == 0
        sender, receiver = (caller, callee) if from_caller else (callee, caller)
        mine, other = (here, there) if from_caller else (there, here)
        ntp = (at * 4_294_967_296 // 1_000_000) + (turn + 1 << 40)
        trip_us = 2 * (near_us if from_caller else far_us)
        delay = round((at - previous[0] - trip_us) * 65_536 / 1_000_000) if previous[1] else 0
        block = struct.pack("!IIIIII", other, 0, 0, 0, previous[1], delay)
        head = struct.pack("!BBHI", 0x81, 200, 12, mine) + struct.pack("!QIII", ntp, 0, 0, 0)
        names = struct.pack("!BBHIBB", 0x81, 202, 3, mine, 1, 4) + b"user\0\0"
        yield at, _udp(sender, receiver, head + block + names)
        previous = (at, ntp >> 16 & 0xFFFFFFFF)
        at += pause_us
        turn += 1
