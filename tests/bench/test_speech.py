"""The accuracy bench's own arithmetic. What judges and codes speech runs in the bench only."""

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCH = str(Path(__file__).parents[2] / "bench")


@pytest.fixture
def speech(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCH)
    for part in ("fit", "formulas", "loss", "report", "rows"):
        importlib.import_module(f"speech.{part}")
    return importlib.import_module("speech")


def row(speech: Any, lost: int, runs: int, mos: float = 4.0, *, packets: int = 500) -> Any:
    return speech.rows.Row("G.711", "nobody", True, 0.0, lost, packets, lost, runs, mos, mos)


def test_losses_come_in_the_share_and_the_bursts_asked_for(speech: Any) -> None:
    for burst, length in ((0, 1 / 0.9), (2, 2), (4, 4)):
        lost = speech.loss.mask(speech.loss.Condition(10.0, burst), 100_000, "seed")
        assert sum(lost) / 100_000 == pytest.approx(0.1, abs=0.01)
        assert sum(lost) / speech.loss.runs(lost) == pytest.approx(length, rel=0.05)
        assert lost == speech.loss.mask(speech.loss.Condition(10.0, burst), 100_000, "seed")


def test_no_loss_is_no_loss(speech: Any) -> None:
    assert not any(speech.loss.mask(speech.loss.Condition(0.0, 0), 1000, "seed"))


@pytest.mark.parametrize(("model", "repaired"), [("G.107", False), ("G.107.1", False), ("G.107.1", True)])
def test_the_fit_finds_the_constants_that_made_the_scores(speech: Any, model: str, *, repaired: bool) -> None:
    true = speech.fit.impairment("", model, (12.0, 9.0, 0.0 if repaired else 0.3, 95.0))
    rows = [row(speech, lost, -(-lost // length)) for lost in (0, 10, 25, 50, 75, 150) for length in (1, 3)]
    wanted = {each: speech.fit.predict(each, true, repaired=repaired) for each in rows}
    found = speech.fit.fit(rows, model, wanted.__getitem__, repaired=repaired)
    assert speech.fit.impairment("", model, found).ie == pytest.approx(12.0, abs=0.1)
    made = speech.fit.impairment("", model, found)
    assert all(
        speech.fit.predict(each, made, repaired=repaired) == pytest.approx(wanted[each], abs=0.01) for each in rows
    )


def test_repair_leaves_all_but_the_last_loss_of_a_run(speech: Any) -> None:
    assert speech.fit.heard_loss(row(speech, 30, 10), repaired=True) == (4.0, 1.0)
    assert speech.fit.heard_loss(row(speech, 30, 10), repaired=False) == (6.0, pytest.approx(2.82))


def test_agreement_by_hand(speech: Any) -> None:
    result = speech.report.agreement([(4.0, 4.0), (3.0, 3.2), (2.0, 2.6), (1.0, 1.0)])
    assert (result.rmse, result.bias) == (pytest.approx((0.40 / 4) ** 0.5), pytest.approx(-0.2))
    assert (result.within_quarter, result.within_half) == (0.75, 0.75)
    assert result.r == pytest.approx(4.8 / (5 * 4.84) ** 0.5)
    assert speech.report.agreement([(4.0, 3.0), (4.0, 2.0)]).r is None


def test_the_other_programs_formulas_by_hand(speech: Any) -> None:
    clean, some = row(speech, 0, 0), row(speech, 50, 50)
    peers = speech.formulas.PEERS
    assert [round(peer(clean), 2) for peer in peers.values()] == [4.5, 4.3, 4.5, 4.4]
    # 10 % lost, none in a row. VoIPmonitor: 11.1 % of the received, R = 56.0. rtpengine: r = 83.2, R = 51.4.
    # FreeSWITCH: R = 90. PingPlotter: R = 93.2 - 0.25 - 25 = 67.95.
    assert [round(peer(some), 2) for peer in peers.values()] == [3.24, 2.6, 4.34, 3.5]
