import json
from pathlib import Path

import jsonschema
import pytest
from tests.voice import captures as c

from clearline.voice.analysis import Analysis, CaptureError, analyze


def analysed(records: list[tuple[int, bytes]], **options: object) -> Analysis:
    return analyze([c.pcap(c.in_time(records))], "test.pcap", **options)  # type: ignore[arg-type]  # options by name


def test_a_plain_call_is_told_with_its_moments_and_both_streams() -> None:
    analysis = analysed(c.call() + c.both_ways())
    (call,) = analysis.calls
    assert (call.call_id, call.from_uri, call.to_uri) == (
        "c1@example.com",
        "sip:alice@example.com",
        "sip:bob@example.com",
    )
    assert call.start_us == c.START_US
    assert call.answered_us == c.START_US + 1_000_000
    assert call.end_us == c.START_US + 11_000_000
    assert (call.final_code, call.ended_by, call.post_dial_delay_us, call.disconnect_delay_us) == (
        200,
        "caller",
        200_000,
        30_000,
    )
    assert call.streams == (0, 1)
    assert call.flags == ()
    there, back = analysis.streams
    assert (there.source, there.destination, there.from_caller) == (c.ALICE_AUDIO, c.BOB_AUDIO, True)
    assert (back.source, back.destination, back.from_caller) == (c.BOB_AUDIO, c.ALICE_AUDIO, False)
    for stream in (there, back):
        assert (stream.codec, stream.clock_rate, stream.payload_type, stream.packet_us) == ("PCMU", 8000, 0, 20_000)
        counts = stream.counts
        assert (counts.received, counts.expected, counts.lost, counts.duplicates, counts.reordered) == (
            500,
            500,
            0,
            0,
            0,
        )
        assert stream.regularity.jitter_max_us == 0
        assert stream.quality.mos_lq == pytest.approx(4.409406, abs=1e-6)
        assert stream.quality.mos_cq is None


def test_a_file_that_is_no_capture_is_refused_with_what_it_is() -> None:
    with pytest.raises(CaptureError, match="begins with 25 50 44 46"):
        analyze([b"%PDF-1.7 and so on, long enough"], "x.pdf")
    with pytest.raises(CaptureError, match="empty"):
        analyze([], "x")


def test_the_document_is_as_its_schema_says() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "analysis.json").read_text())
    document = analysed(c.call() + c.both_ways()).to_json()
    jsonschema.validate(json.loads(json.dumps(document)), schema)
    assert document["schema"] == "clearline/analysis/1"
