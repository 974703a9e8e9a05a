"""Bursts and gaps of lost and discarded packets, by the definition of RFC 3611 section 4.7.2 over a whole stream.

Not by the counters of its appendix A.2, which open a burst at an early lone loss or invent packets, depending on how
they are started.
"""

from collections.abc import Iterable
from dataclasses import dataclass

GMIN = 16
"""Received packets in a row that end a burst: the value RFC 3611 recommends."""

ENOUGH_LOSSES = 10
"""With fewer lost packets than this the burst ratio is noise, and taken as 1."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """How losses cluster.

    Attributes:
        bursts: number of bursts.
        density_pct: lost and discarded packets in bursts, percent of the bursts' packets; 0 without a burst.
        duration_ms: mean length of a burst; 0 without one.
        gap_density_pct: lost and discarded packets outside of bursts, percent of the gaps' packets; 0 without a gap.
        gap_duration_ms: the gaps' length in all over the number of bursts, as RFC 3611's own example counts; without a
            burst the stream's whole length.
        burst_r: BurstR of G.107.
    """

    bursts: int
    density_pct: float
    duration_ms: float
    gap_density_pct: float
    gap_duration_ms: float
    burst_r: float


def burst_ratio(lost: int, runs: int, expected: int) -> float:
    """Give BurstR: the mean length of runs of lost packets over that of a random loss of the same share (G.107 7-30).

    At least 1, and 1 with fewer than `ENOUGH_LOSSES` lost packets or nothing received.

    Args:
        lost: packets lost or discarded.
        runs: runs of consecutive ones among them.
        expected: packets of the stream.
    """
    if lost < ENOUGH_LOSSES or lost >= expected:
        return 1.0
    return max(1.0, lost / runs * (1 - lost / expected))


def measure(lost: Iterable[int], expected: int, packet_ms: float, gmin: int = GMIN) -> Bursts:
    """Find bursts and gaps.

    A burst begins and ends with a lost or discarded packet and has fewer than `gmin` received packets in a row in it; a
    lone loss with `gmin` received packets on both sides is a gap's. Before and after the stream all counts as received.

    Args:
        lost: the places, 0 to `expected - 1`, of packets lost or discarded, rising.
        expected: packets of the stream.
        packet_ms: length of a packet.
        gmin: received packets that end a burst, at least 1.
    """
    clusters: list[list[int]] = []  # first place, last place, number of losses
    total = runs = 0
    for place in lost:
        joined = bool(clusters) and place - clusters[-1][1] <= gmin
        runs += not (joined and place == clusters[-1][1] + 1)
        total += 1
        if joined:
            clusters[-1][1:] = place, clusters[-1][2] + 1
        else:
            clusters.append([place, place, 1])
    found = [cluster for cluster in clusters if cluster[2] > 1]
    burst_packets = sum(last - first + 1 for first, last, _ in found)
    burst_lost = sum(count for _, _, count in found)
    gap_packets = expected - burst_packets
    count = max(len(found), 1)
    return Bursts(
        bursts=len(found),
        density_pct=100 * burst_lost / burst_packets if found else 0.0,
        duration_ms=burst_packets * packet_ms / count,
        gap_density_pct=100 * (total - burst_lost) / gap_packets if gap_packets else 0.0,
        gap_duration_ms=gap_packets * packet_ms / count,
        burst_r=burst_ratio(total, runs, expected),
    )
