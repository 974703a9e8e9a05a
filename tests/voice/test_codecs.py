import pytest

from clearline.voice.codecs import codec_name, family, format_parameters, look_ahead_ms, packetization_ms


@pytest.mark.parametrize(
    ("encoding", "fmtp", "codec"),
    [
        ("PCMU", "", "G.711"),
        ("pcma", "", "G.711"),
        ("G722", "", "G.722"),
        ("G729", "", "G.729A+VAD"),  # RFC 4856: annexb defaults to yes
        ("G729", "annexb=yes", "G.729A+VAD"),
        ("G729", "annexb=no", "G.729"),
        ("G729", "annexb=No;foo", "G.729"),
        ("G723", "", "G.723.1 6.3+VAD"),
        ("G723", "bitrate=5.3;annexa=no", "G.723.1 5.3"),
        ("G726-32", "", "G.726-32"),
        ("AAL2-G726-24", "", "G.726-24"),
        ("GSM", "", "GSM-FR"),
        ("GSM-EFR", "", "GSM-EFR"),
        ("iLBC", "mode=30", "iLBC"),
        ("AMR", "octet-align=1; mode-set=7", "AMR 12.2"),
        ("AMR", "mode-set=0,2,7", "AMR"),
        ("AMR-WB", "mode-set=2", "AMR-WB 12.65"),
        ("AMR-WB", "mode-set=9", "AMR-WB"),
        ("AMR-WB", "mode-set=²", "AMR-WB"),
        ("EVS", "br=24.4; bw=swb", "EVS SWB 24.4"),
        ("EVS", "br=5.9-24.4; bw=nb-swb", "EVS"),
        ("opus", "", "Opus"),
        ("opus", "maxaveragebitrate=20000", "Opus SWB-VBR 19"),
        ("opus", "maxaveragebitrate=15000;maxplaybackrate=16000;cbr=1", "Opus WB-CBR 15"),
        ("opus", "maxaveragebitrate=12000;maxplaybackrate=8000", "Opus NB-VBR 9"),
        ("opus", "maxaveragebitrate=many", "Opus"),
        ("X-unheard-of", "", "X-unheard-of"),
    ],
)
def test_payload_formats_are_named_as_the_tables_name_them(encoding: str, fmtp: str, codec: str) -> None:
    assert codec_name(encoding, fmtp) == codec


def test_a_measured_bit_rate_decides_where_the_description_leaves_it_open() -> None:
    assert codec_name("opus", "", 33.0) == "Opus SWB-VBR 34"
    assert codec_name("EVS", "bw=swb", 13.2) == "EVS SWB 13.2"
    assert codec_name("EVS", "bw=swb") == "EVS"


def test_parameters_survive_sloppy_writing() -> None:
    assert format_parameters(" AnnexB = no ;; flag; =x") == {"annexb": "no", "flag": ""}


@pytest.mark.parametrize(
    ("codec", "expected"),
    [("G.729A+VAD", "G.729"), ("AMR-WB 12.65", "AMR-WB"), ("EVS SWB 32", "EVS"), ("G.711 without PLC", "G.711")],
)
def test_the_family_leaves_the_mode_out(codec: str, expected: str) -> None:
    assert family(codec) == expected


def test_delays_of_codecs() -> None:
    assert look_ahead_ms("G.729A+VAD") == 5.0
    assert look_ahead_ms("G.711") == 0.0
    assert packetization_ms("G.723.1 5.3") == 30.0
    assert packetization_ms("G.711") == 20.0
