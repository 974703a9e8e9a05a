"""A small analysis made by hand, to be reported."""

from dataclasses import replace
from html.parser import HTMLParser

from clearline.voice.results import (
    Analysis,
    Burst,
    Call,
    CaptureHealth,
    Counts,
    Delay,
    Interval,
    LadderMessage,
    Quality,
    Regularity,
    Stream,
)

START = 1_795_372_255_000_000
SECOND = 1_000_000

INTERVAL = Interval(
    start_us=START,
    duration_us=10 * SECOND,
    received=495,
    lost=5,
    discarded=0,
    jitter_mean_us=2500.0,
    jitter_max_us=4000.0,
    max_gap_us=61_000,
    mos_lq=4.2,
    mos_cq=4.1,
)


def intervals(count: int) -> tuple[Interval, ...]:
    return tuple(replace(INTERVAL, start_us=START + 10 * SECOND * place) for place in range(count))


COUNTS = Counts(
    received=2970,
    expected=3000,
    lost=30,
    duplicates=0,
    capture_duplicates=0,
    reordered=1,
    discarded=0,
    capture_lost=0,
    octets=475_200,
    restarts=0,
    payload_changes=0,
    events=0,
    noises=0,
    pauses=0,
)
REGULARITY = Regularity(
    jitter_mean_us=2500.0,
    jitter_max_us=4000.0,
    mapdv2_us=900.0,
    pdv_us=(1_500, 6_000, 11_000),
    skew_ppm=1.0,
    max_gap_us=61_000,
    outage_us=0,
)
QUALITY = Quality(
    model="G.107",
    impairment=(0.0, 4.3, "G.113 Table I.4"),
    r=84.2,
    mos_lq=4.2,
    mos_cq=4.1,
    mos_lq_min=4.2,
    g107_mos_lq=4.2,
    g107_mos_cq=4.1,
    conversion=None,
    unscored=None,
)
NO_QUALITY = Quality(None, None, None, None, None, None, None, None, None, "G.113 has no values for AMR-WB")
STREAM = Stream(
    index=0,
    call_id="one@pc33",
    from_caller=True,
    ssrc=0x1A2B3C4D,
    source="10.0.0.1:4000",
    destination="10.0.0.2:4002",
    payload_type=0,
    codec="PCMU",
    clock_rate=8000,
    clock_guessed=False,
    packet_us=20_000.0,
    secure=False,
    start_us=START,
    end_us=START + 60 * SECOND,
    counts=COUNTS,
    regularity=REGULARITY,
    burst=Burst(0, 0.0, 0.0, 0.0, 0.0, 1.0),
    delay=Delay(one_way_us=32_000, basis="both directions", mouth_to_ear_us=112_000),
    quality=QUALITY,
    reported=None,
    flags=(),
    intervals=intervals(6),
)
UNSCORED = replace(
    STREAM,
    index=1,
    from_caller=False,
    codec="AMR-WB",
    delay=None,
    quality=NO_QUALITY,
    intervals=tuple(replace(each, mos_lq=None, mos_cq=None) for each in intervals(6)),
)

A, B = "10.0.0.1:5060", "10.0.0.2:5060"
LADDER = (
    LadderMessage(START - 3 * SECOND, A, B, "INVITE", has_sdp=True, repeated=False),
    LadderMessage(START - 2_900_000, B, A, "180 Ringing", has_sdp=False, repeated=False),
    LadderMessage(START, B, A, "200 OK", has_sdp=True, repeated=False),
    LadderMessage(START, A, B, "ACK", has_sdp=False, repeated=True),
)
CALL = Call(
    call_id="one@pc33",
    linked=None,
    link_basis=None,
    from_uri="sip:alice@atlanta.example.com",
    to_uri="sip:bob@biloxi.example.com",
    start_us=START - 3 * SECOND,
    answered_us=START,
    end_us=START + 60 * SECOND,
    final_code=200,
    post_dial_delay_us=100_000,
    disconnect_delay_us=20_000,
    ended_by="callee",
    challenges=0,
    retransmissions=1,
    forks=1,
    hops=1,
    changes=0,
    transfers=0,
    fax=False,
    streams=(0, 1),
    mos_lq=4.2,
    mos_cq=4.1,
    flags=(),
    ladder=LADDER,
    message_count=4,
)
HEALTHY = CaptureHealth(0, 0, 0, 0, 0, 0, 0, 0, "")
ANALYSIS = Analysis(
    source="office.pcap",
    packets=6000,
    undecoded=0,
    malformed=0,
    first_us=START - 3 * SECOND,
    last_us=START + 60 * SECOND,
    profile="planning",
    playout="fixed 60 ms",
    calls=(CALL,),
    streams=(STREAM, UNSCORED),
    sip={},
    sip_messages=4,
    rtcp_packets=12,
    capture=HEALTHY,
)


class Page(HTMLParser):
    """Reads a page back: its elements with their attributes, its text, and whether it closes what it opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]
