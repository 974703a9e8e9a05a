import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.burst import burst_ratio
from clearline.voice.impairments import PROFILES
from clearline.voice.scores import score
from clearline.voice.scoring import Heard, Scale

CODECS = [
    *("G.711", "G.711 without PLC", "G.729A+VAD", "G.729", "AMR-WB 23.85", "EVS SWB 24.4"),
    *("G.722", "Opus", "Opus FEC"),
]


@given(st.sampled_from(CODECS), st.sampled_from(PROFILES), st.integers(1, 3000), st.data())
def test_an_interval_is_scored_as_a_stream_of_its_packets_would_be(
    codec: str, profile: str, total: int, data: st.DataObject
) -> None:
    bad = data.draw(st.integers(0, total))
    runs = data.draw(st.integers(1, bad)) if bad else 0
    ta_ms = data.draw(st.none() | st.floats(0, 800))
    ppl, burst_r = 100 * bad / total, burst_ratio(bad, runs, total)
    wanted = score(codec, profile=profile, ppl=ppl, burst_r=burst_r, ta_ms=ta_ms)
    lq, cq = Scale(codec, profile, ta_ms).part(Heard(bad, total, runs))
    assert lq == (None if wanted.mos_lq is None else pytest.approx(wanted.mos_lq, abs=1e-9))
    assert cq == (None if wanted.mos_cq is None else pytest.approx(wanted.mos_cq, abs=1e-9))


def test_a_part_without_packets_or_codec_has_no_score() -> None:
    assert Scale("G.711", "planning", None).part(Heard(0, 0, 0)) == (None, None)
    assert Scale("", "planning", None).part(Heard(0, 9, 0)) == (None, None)
    assert Scale("G.711", "planning", None).score(Heard(0, 0, 0)).unscored == "no packet was due"
