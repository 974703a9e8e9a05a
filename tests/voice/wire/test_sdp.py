from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.formats import MAX_SHARED_LENGTH, Format, united
from clearline.voice.wire.sdp import MAX_MEDIA, parse

EXAMPLE = """v=0
o=alice 2890844526 2890844526 IN IP4 host.example
s=-
c=IN IP4 192.0.2.1/127
t=0 0
a=sendonly
a=group:BUNDLE a v
m=audio 49170/2 RTP/AVP 0 18 97 101 x 300
c=IN IP6 2001:db8::1
a=rtpmap:97 AMR-WB/16000/1
a=fmtp:97 mode-set=2; octet-align=1
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=ptime:30
a=rtcp:53020 IN IP4 192.0.2.1
a=mid:a
a=ssrc:314159 cname:x
a=ssrc:314159 msid:y
a=ssrc:x
a=sendrecv
m=video 51372 UDP/TLS/RTP/SAVPF 99
a=rtpmap:99 H264/90000
a=rtpmap:98 VP8/9000000
a=rtpmap:128 H265/90000
a=fmtp:17 nothing
a=rtcp-mux
a=mid:v
m=image 4500 udptl t38
m=audio none RTP/AVP 0
m=short
"""


def test_a_description_is_read_section_by_section() -> None:
    description = parse(EXAMPLE)
    assert description.bundles == [["a", "v"]]
    audio, video, fax = description.media
    assert (audio.kind, audio.port, audio.protocol, audio.address, audio.direction) == (
        "audio",
        49170,
        "RTP/AVP",
        "2001:db8::1",
        "sendrecv",
    )
    assert audio.formats.by_type == {
        0: Format("PCMU", 8000, ""),
        18: Format("G729", 8000, "annexb=no"),
        97: Format("AMR-WB", 16000, "mode-set=2; octet-align=1"),
        101: Format("telephone-event", 8000, ""),
    }
    assert (audio.mid, audio.formats.secure, audio.formats.events, audio.fax) == ("a", False, {101}, False)
    assert (video.address, video.direction, video.formats.secure) == ("192.0.2.1", "sendonly", True)
    assert video.formats.by_type == {99: Format("H264", 90000, ""), 98: Format("VP8", 0, "")}
    assert fax.fax


def test_sections_are_limited() -> None:
    assert len(parse("m=audio 1 RTP/AVP 0\n" * (MAX_MEDIA + 5)).media) == MAX_MEDIA


def test_sections_that_name_the_same_formats_share_them() -> None:
    here, there = (f"m=audio {port} RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n" for port in (4000, 4002))
    assert parse(here).media[0].formats is parse(there).media[0].formats
    long = f"m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000\na=fmtp:96 {'x' * MAX_SHARED_LENGTH}\n"
    once, again = (parse(long).media[0].formats for _ in range(2))
    assert once is not again
    assert once.by_type == again.by_type
    short = parse(here).media[0].formats
    assert united(short, short) is short
    assert united(short, once) is not united(short, once)
    assert united(once, short).by_type == {**once.by_type, **short.by_type}
    other = parse("m=audio 4000 RTP/SAVP 8").media[0].formats
    assert united(short, other) is united(short, other)
    assert (united(short, other).secure, united(short, other).events) == (True, {101})


@given(st.text(alphabet="vomcat=: 019.IN4rtpmfpRTP/AVx\n\r", max_size=300))
def test_no_text_whatever_breaks_it(text: str) -> None:
    parse(text)
    parse(EXAMPLE.replace("49170", text[:9]))
