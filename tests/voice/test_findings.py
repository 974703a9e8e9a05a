"""What is said of a stream's payloads, in the text and in the report."""

import io
from contextlib import redirect_stdout

from tests.voice import media
from tests.voice.test_redundancy import copies

from clearline.cli.analysis_text import print_analysis
from clearline.voice.analysis import Analysis
from clearline.voice.report import report
from clearline.voice.results.findings import findings


def text(analysis: Analysis) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        print_analysis(analysis)
    return out.getvalue()


def test_redundancy_is_said_with_both_losses_in_text_and_report() -> None:
    payloads = [copies(1)] * 200
    payloads[50] = b""
    records = media.announced("96 0", media.RED) + media.stream(payloads, payload_type=96, lost=[30, 31])
    analysis = media.analysed(records)
    said = findings(analysis.streams[0])
    put_back = "RFC 2198 put back 1 of 2 packets lost or too late"
    losses = "network loss 1.00 %, residual loss 0.50 %, which the score uses"
    level = "level 0 dBm0, at most 0 dBm0 in 4 packets looked at"
    assert said == [f"{put_back}: {losses}", level, "1 payloads contradict their own lengths"]
    for sentence in said:
        assert sentence in report(analysis)
        assert f"stream 0: {sentence}" in " ".join(text(analysis).split())


def test_a_plain_stream_has_nothing_to_say() -> None:
    analysis = media.analysed(media.announced("18", ()) + media.stream([bytes(20)] * 50, payload_type=18))
    assert findings(analysis.streams[0]) == []
    assert '<ul class="notes"><li>RFC' not in report(analysis)
