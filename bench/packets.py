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
import gc, json, sys, time
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
     s.quality.mos_cq if s.delay else s.quality.mos_lq)
    for s in analysis.streams
]
json.dump({"spent": spent, "packets": analysis.packets, "calls": len(analysis.calls), "malformed": analysis.malformed,
           "undecoded": analysis.undecoded, "answered": sum(c.answered_us is not None for c in analysis.calls),
           "compiled": not packets.__file__.endswith(".py"), "rows": rows}, sys.stdout)
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
    arguments.add_argument("--repeat", type=int, default=3, help="runs of ours; the median counts")
    arguments.add_argument("--no-tshark", action="store_true", help="leave the peer out")
    arguments.add_argument("--folder", type=Path, help="keep the capture here")
    chosen = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return measure(chosen, Path(folder) / "bench.pcap")


def measure(chosen: argparse.Namespace, path: Path) -> int:
    sent = maker.packets(chosen.calls, max(2, chosen.packets // (2 * chosen.calls)), chosen.seed)
    truth = maker.truth(sent, chosen.calls)
    records = maker.write(path, sent, chosen.calls)
    size_mb = path.stat().st_size / 1e6
    print(f"{records:,} packets of {chosen.calls:,} calls, {size_mb:,.0f} MB, seed {chosen.seed}")
    print(
        f"truth: {truth.lost.sum():,} lost, {truth.duplicates.sum():,} duplicates, {truth.reordered.sum():,} reordered"
    )
    del sent
    runs = sorted((run([sys.executable, "-c", CHILD, str(path)]) for _ in range(chosen.repeat)), key=lambda r: r.cpu_s)
    ours = runs[len(runs) // 2]
    said = json.loads(ours.out)
    wrong = check(said, truth, chosen.calls, records)
    form = "compiled" if said["compiled"] else "interpreted"
    print(f"ours ({form}): {ours.cpu_s:.2f} s CPU, {ours.wall_s:.2f} s wall, {ours.peak_mb:.0f} MB peak: "
          f"{records / ours.cpu_s / 1e6:.2f} M packets/s of CPU from a cold start")  # fmt: skip
    print("every stream equal to the truth" if not wrong else "\n".join(wrong[:10]))
    if not chosen.no_tshark:
        compare(path, ours, records, truth)
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
    return wrong


def compare(path: Path, ours: Run, records: int, truth: maker.Truth) -> None:
    """Run tshark on the same file."""
    if shutil.which("tshark") is None:
        print("tshark is not installed: apt-get install tshark")
        return
    theirs = run(["tshark", "-n", "-q", "-z", "rtp,streams", "-r", str(path)])
    print(f"tshark: {theirs.cpu_s:.2f} s CPU, {theirs.wall_s:.2f} s wall, {theirs.peak_mb:.0f} MB peak: "
          f"{records / theirs.cpu_s / 1e6:.3f} M packets/s of CPU")  # fmt: skip
    print(
        f"ratio: {theirs.cpu_s / ours.cpu_s:.1f} times less CPU, {theirs.peak_mb / ours.peak_mb:.1f} times less memory"
    )
    lost = [int(line.split()[9]) for line in theirs.out.decode().splitlines() if "0x" in line and "(" in line]
    print(f"tshark's sum of losses: {sum(lost):,}, the truth {truth.lost.sum():,}")
