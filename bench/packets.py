"""How fast and how right captures are analysed, beside tshark on the same file."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import _capture_maker as maker
import numpy as np

HERE = Path(__file__).resolve().parent

CHILD = """
import gc, json, os, sys, time
gc.disable()  # as the command does
began = time.perf_counter(), time.process_time()
from clearline.voice.analysis import analyze
with open(sys.argv[1], "rb", buffering=0) as file:
    analysis = analyze(iter(lambda: file.read(65_536), b""), sys.argv[1])
spent = time.perf_counter() - began[0], time.process_time() - began[1]
import clearline.voice.packets as packets
def whole_way(delay):
    return delay.one_way_us if delay and delay.basis == "both directions" else None
rows = [
    (s.ssrc, s.counts.received, s.counts.expected, s.counts.lost, s.counts.duplicates, s.counts.reordered,
     s.regularity.jitter_mean_us, s.regularity.jitter_max_us, whole_way(s.delay),
     s.quality.mos_cq if s.delay else s.quality.mos_lq, s.regularity.pdv_us)
    for s in analysis.streams
]
said = {
    "spent": spent, "packets": analysis.packets, "calls": len(analysis.calls), "malformed": analysis.malformed,
    "undecoded": analysis.undecoded, "answered": sum(c.answered_us is not None for c in analysis.calls),
    "compiled": not packets.__file__.endswith(".py"), "rows": rows,
}
sys.stdout.write(json.dumps(said))
sys.stdout.flush()
os._exit(0)  # the analysis is finished: taking it apart again is no part of it
"""

MESSAGES = """
import gc, json, sys, time
gc.disable()
from clearline.voice.playout import playout_buffer
from clearline.voice.session import Session
session = Session(playout_buffer())
taken, loop = [], session.loop
def keep(frame):
    if frame.destination_port == 5060:
        taken.append((frame.data[frame.start : frame.end], frame.source, frame.destination, frame.time_us))
loop.take_datagram = keep
with open(sys.argv[1], "rb", buffering=0) as file:
    for piece in iter(lambda: file.read(65_536), b""):
        session.run(piece)
spent = []
for _ in range(3):  # other work on the machine makes a run slower, nothing makes it faster
    session = Session(playout_buffer())
    frame = session.loop.free
    frame.source_port = frame.destination_port = 5060
    began = time.process_time()
    for frame.data, frame.source, frame.destination, frame.time_us in taken:
        frame.start, frame.end = 0, len(frame.data)
        session.take_datagram(frame)
    spent.append(time.process_time() - began)
json.dump({"count": len(taken), "cpu_s": min(spent)}, sys.stdout)
"""

STREAMS = """
import gc, json, struct, sys
gc.disable()
from clearline.voice.playout import playout_buffer
from clearline.voice.session import Session
session = Session(playout_buffer())
def record(stream, number):
    rtp = struct.pack("!BBHII", 0x80, 0, number, number * 160, stream) + bytes(160)
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x0A000000 + stream, 1) + udp
    frame = bytes(12) + b"\\x08\\x00" + ip
    at_us = number * 20_000 + stream * 7 % 5_000
    return struct.pack("<IIII", at_us // 1_000_000, at_us % 1_000_000, len(frame), len(frame)) + frame
session.run(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
for number in range(1, 20):
    for stream in range(int(sys.argv[1])):
        session.run(record(stream, number))
with open("/proc/self/statm") as statm:
    json.dump(int(statm.read().split()[1]) * 4096, sys.stdout)
"""


@dataclass(frozen=True)
class Run:
    """One process: what it used and said."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    out: bytes


def run(command: list[str]) -> Run:
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        peak_kb = 0
        while (found := os.wait4(child.pid, os.WNOHANG))[0] == 0:
            peak_kb = max(peak_kb, resident_peak_kb(child.pid))
            time.sleep(0.01)
        child.returncode, used = found[1], found[2]
        out.seek(0)
        return Run(used.ru_utime + used.ru_stime, time.perf_counter() - began, peak_kb / 1024, out.read())


def resident_peak_kb(pid: int) -> int:
    """Read a process's own peak: what wait4 reports includes the memory of the process it was forked from."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def main(argv: list[str]) -> int:
    arguments = argparse.ArgumentParser(prog="clearline bench packets", description=__doc__)
    arguments.add_argument("--calls", type=int, default=2_000, help="concurrent calls")
    arguments.add_argument("--packets", type=int, default=1_000_000, help="about how many RTP packets")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seeds", type=int, default=1, help="captures of so many seeds, from --seed on")
    arguments.add_argument("--growth", action="store_true", help="200, 2,000 and 20,000 calls of 100 packets a stream")
    arguments.add_argument(
        "--repeat", type=int, default=3, help="runs of ours, before tshark and after it; the median counts"
    )
    arguments.add_argument("--no-tshark", action="store_true", help="leave the peer out")
    arguments.add_argument("--folder", type=Path, help="keep the capture here")
    chosen = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = Path(folder) / "bench.pcap"
        if chosen.growth:
            return growth(chosen, path)
        return max(measure(chosen, path, seed) for seed in range(chosen.seed, chosen.seed + chosen.seeds))


def growth(chosen: argparse.Namespace, path: Path) -> int:
    """Show that time and memory grow with the calls, and what a stream and a SIP message take."""
    wrong = 0
    for calls in (200, 2_000, 20_000):
        sent = maker.packets(calls, 100, chosen.seed)
        truth = maker.truth(sent, calls)
        records = maker.write(path, sent, calls)
        ours = median(repeated(path, chosen.repeat))
        said = json.loads(ours.out)
        found = check(said, truth, calls, records)
        wrong += len(found)
        per_packet, per_call = ours.cpu_s / records * 1e6, ours.cpu_s / calls * 1e6
        print(f"{calls:,} calls, {records:,} packets: {ours.cpu_s:.2f} s CPU, {per_packet:.2f} us a packet, ", end="")
        print(f"{per_call:.0f} us a call, {ours.peak_mb:.0f} MB, {len(found)} differences from the truth")
    print(f"a live stream takes {stream_bytes():,} octets")
    messages = json.loads(run([sys.executable, "-c", MESSAGES, str(path)]).out)
    print(f"SIP: {messages['count'] / messages['cpu_s']:,.0f} messages a second into calls")
    return bool(wrong)


def stream_bytes() -> int:
    """Measure the memory of a live stream: what a hundred thousand streams without SIP take more than one."""
    few, many = (json.loads(run([sys.executable, "-c", STREAMS, str(count)]).out) for count in (1_000, 101_000))
    return (many - few) // 100_000


def repeated(path: Path, repeat: int) -> list[Run]:
    """Run ours so many times."""
    return [run([sys.executable, "-c", CHILD, str(path)]) for _ in range(repeat)]


def median(runs: list[Run]) -> Run:
    """The run that counts."""
    return sorted(runs, key=lambda each: each.cpu_s)[len(runs) // 2]


def measure(chosen: argparse.Namespace, path: Path, seed: int) -> int:
    sent = maker.packets(chosen.calls, max(2, chosen.packets // (2 * chosen.calls)), seed)
    truth = maker.truth(sent, chosen.calls)
    records = maker.write(path, sent, chosen.calls)
    size_mb = path.stat().st_size / 1e6
    print(f"{records:,} packets of {chosen.calls:,} calls, {size_mb:,.0f} MB, seed {seed}")
    print(
        f"truth: {truth.lost.sum():,} lost, {truth.duplicates.sum():,} duplicates, {truth.reordered.sum():,} reordered"
    )
    del sent
    runs, theirs = repeated(path, chosen.repeat), None
    if not chosen.no_tshark and (theirs := tshark(path)) is not None:
        runs += repeated(path, chosen.repeat)  # as many after it: a machine's speed changes within minutes
    ours = median(runs)
    said = json.loads(ours.out)
    wrong = check(said, truth, chosen.calls, records)
    form = "compiled" if said["compiled"] else "interpreted"
    print(f"ours ({form}): {ours.cpu_s:.2f} s CPU, {ours.wall_s:.2f} s wall, {ours.peak_mb:.0f} MB peak: "
          f"{records / ours.cpu_s / 1e6:.2f} M packets/s of CPU from a cold start")  # fmt: skip
    print("every stream equal to the truth" if not wrong else "\n".join(wrong[:10]))
    if theirs is not None:
        compare(ours, theirs, records, truth)
    return bool(wrong)


def check(said: dict[str, object], truth: maker.Truth, calls: int, records: int) -> list[str]:
    """Name what differs from the truth."""
    wrong = [
        f"{name} is {said[name]}, not {wanted}"
        for name, wanted in {
            "packets": records,
            "calls": calls,
            "answered": calls,
            "malformed": 0,
            "undecoded": 0,
        }.items()
        if said[name] != wanted
    ]
    rows = {row[0]: row[1:] for row in said["rows"]}  # type: ignore[attr-defined]
    for stream, ssrc in enumerate(maker.ssrc(np.arange(2 * calls))):
        row = rows.get(int(ssrc))
        if row is None:
            wrong.append(f"stream {stream} was not found")
            continue
        counts = [
            int(x[stream]) for x in (truth.received, truth.expected, truth.lost, truth.duplicates, truth.reordered)
        ]
        if list(row[:5]) != counts:
            wrong.append(f"stream {stream}: received, expected, lost, duplicates, reordered {row[:5]}, not {counts}")
        for got_us, ticks in zip(row[5:7], (truth.jitter_mean_ticks, truth.jitter_max_ticks), strict=True):
            if abs(got_us / 125 - ticks[stream]) > 1e-6:
                wrong.append(f"stream {stream}: jitter {got_us / 125}, not {ticks[stream]}")
        if row[7] is not None and abs(row[7] - truth.delay_us[stream]) > 40:
            wrong.append(f"stream {stream}: delay {row[7]} us, not {truth.delay_us[stream]}")
        for got_us, late_us in zip(row[9], truth.variation_us[stream], strict=True):
            if abs(got_us - late_us) > max(32, late_us * 0.0625):
                wrong.append(f"stream {stream}: delay variation {got_us} us, not {late_us}")
    return wrong


def tshark(path: Path) -> Run | None:
    """Run tshark on the same file; None where it is not installed."""
    if shutil.which("tshark") is None:
        print("tshark is not installed: apt-get install tshark")
        return None
    return run(["tshark", "-n", "-q", "-z", "rtp,streams", "-r", str(path)])


def compare(ours: Run, theirs: Run, records: int, truth: maker.Truth) -> None:
    """Print both beside each other."""
    print(f"tshark: {theirs.cpu_s:.2f} s CPU, {theirs.wall_s:.2f} s wall, {theirs.peak_mb:.0f} MB peak: "
          f"{records / theirs.cpu_s / 1e6:.3f} M packets/s of CPU")  # fmt: skip
    print(
        f"ratio: {theirs.cpu_s / ours.cpu_s:.1f} times less CPU, {theirs.peak_mb / ours.peak_mb:.1f} times less memory"
    )
    lost = [int(line.split()[9]) for line in theirs.out.decode().splitlines() if "0x" in line and "(" in line]
    print(f"tshark's sum of losses: {sum(lost):,}, the truth {truth.lost.sum():,}")
