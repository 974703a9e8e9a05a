"""What other programs make of the same losses, by the formulas in their sources; no delay and no jitter."""

from collections.abc import Callable

from clearline.voice.emodel import r_to_mos
from speech.rows import Row


def voipmonitor(row: Row) -> float:
    """VoIPmonitor, calculate_mos_g711: fewer than five losses in ten seconds are none; every codec as G.711."""
    if row.lost < 5:
        return 4.5
    received = row.packets - row.lost
    loss = 100 * row.lost / received
    burst = max(1.0, row.lost / row.runs * (1 - row.lost / received))
    r = 93.2062 - 95 * loss / (loss / burst + 17.2647)
    return min(max(2.06405 + 0.031738 * r - 3.56641e-4 * r**2 + 2.93143e-6 * r**3, 1.0), 4.5)


def rtpengine(row: Row) -> float:
    """rtpengine, the narrowband formula it uses for every codec: loss in whole percent, score cut to tenths."""
    r = 93.2 - int(100 * row.lost / row.packets)
    return int(10 * r_to_mos(0.18 * r**2 - 27.9 * r + 1126.62)) / 10


def freeswitch(row: Row) -> float:
    """FreeSWITCH, do_mos without its penalty for losses in a row: R is the percentage received."""
    return r_to_mos(int(100 * (row.packets - row.lost) / row.packets))


def dashboard(row: Row) -> float:
    """The formula of PingPlotter and of most dashboards: 2.5 R for each percent lost, 0.25 R for 10 ms."""
    return r_to_mos(93.2 - 10 / 40 - 2.5 * 100 * row.lost / row.packets)


PEERS: dict[str, Callable[[Row], float]] = {
    "VoIPmonitor": voipmonitor,
    "rtpengine": rtpengine,
    "FreeSWITCH": freeswitch,
    "PingPlotter (dashboards)": dashboard,
}
