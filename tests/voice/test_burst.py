import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.burst import GMIN, burst_ratio, measure

RFC_3611_EXAMPLE = "1111011111111111111111111X111X1011110111111111111111111X11111111"
"""RFC 3611 section 4.7.2's example: 0 lost, X discarded, 1 received; in print one received packet is missing."""


def places(pattern: str) -> list[int]:
    return [place for place, mark in enumerate(pattern) if mark != "1"]


def test_example_of_rfc_3611() -> None:
    bursts = measure(places(RFC_3611_EXAMPLE), 64, 10.0)
    assert (bursts.bursts, bursts.duration_ms, bursts.gap_duration_ms) == (1, 120.0, 520.0)
    assert bursts.density_pct == pytest.approx(100 * 4 / 12)  # printed: 33 %
    assert bursts.gap_density_pct == pytest.approx(100 * 2 / 52)  # printed: 4 %


def test_a_lone_loss_belongs_to_the_gap_even_at_the_very_start() -> None:
    bursts = measure([0, 17, 999], 1000, 20.0)
    assert (bursts.bursts, bursts.density_pct, bursts.duration_ms) == (0, 0.0, 0.0)
    assert bursts.gap_density_pct == pytest.approx(0.3)
    assert bursts.gap_duration_ms == 20_000.0


@pytest.mark.parametrize(("second", "bursts"), [(10 + GMIN, 1), (11 + GMIN, 0)])
def test_gmin_received_packets_between_two_losses_part_them(second: int, bursts: int) -> None:
    assert measure([10, second], 100, 20.0).bursts == bursts


def test_everything_lost_is_one_burst_and_no_gap() -> None:
    bursts = measure(range(50), 50, 20.0)
    assert (bursts.bursts, bursts.density_pct, bursts.duration_ms) == (1, 100.0, 1000.0)
    assert (bursts.gap_density_pct, bursts.gap_duration_ms, bursts.burst_r) == (0.0, 0.0, 1.0)


def test_nothing_lost() -> None:
    bursts = measure([], 100, 20.0)
    assert (bursts.bursts, bursts.density_pct, bursts.gap_density_pct, bursts.burst_r) == (0, 0.0, 0.0, 1.0)


def test_burst_ratio_by_hand() -> None:
    # 20 of 200 lost in 5 runs of 4: 4 over 1 / (1 - 0.1).
    lost = [start + step for start in (0, 40, 80, 120, 160) for step in range(4)]
    assert measure(lost, 200, 20.0).burst_r == pytest.approx(3.6)
    assert burst_ratio(9, 1, 100) == 1.0  # too few to tell
    assert burst_ratio(50, 50, 100) == 1.0  # every second packet: more regular than chance
    assert burst_ratio(100, 1, 100) == 1.0  # nothing arrived to compare with


@given(st.sets(st.integers(0, 499)), st.integers(1, 40))
def test_bursts_and_gaps_share_out_all_packets_and_losses(lost: set[int], gmin: int) -> None:
    bursts = measure(sorted(lost), 500, 10.0, gmin)
    count = max(bursts.bursts, 1)
    burst_packets = bursts.duration_ms * count / 10
    gap_packets = bursts.gap_duration_ms * count / 10
    assert burst_packets + gap_packets == pytest.approx(500)
    in_bursts = bursts.density_pct * burst_packets / 100
    in_gaps = bursts.gap_density_pct * gap_packets / 100
    assert in_bursts + in_gaps == pytest.approx(len(lost))
    assert bursts.burst_r >= 1


@given(st.sets(st.integers(0, 199)), st.integers(1, 20))
def test_bursts_agree_with_the_definition_read_packet_by_packet(lost: set[int], gmin: int) -> None:
    text = "".join("0" if place in lost else "1" for place in range(200))
    clusters = [cluster.strip("1") for cluster in text.replace("1" * gmin, "1" * gmin + " ").split(" ")]
    # Joining what is left around exactly cut runs: a cluster is a stretch between separators of gmin received.
    found = [cluster for cluster in clusters if cluster.count("0") > 1]
    bursts = measure(sorted(lost), 200, 1.0, gmin)
    assert bursts.bursts == len(found)
    assert bursts.duration_ms * max(len(found), 1) == sum(map(len, found))
