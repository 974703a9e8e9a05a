"""The reflector's answer to an SDP offer: one audio stream, whose packets it will send back (RFC 3264)."""

from dataclasses import dataclass

from clearline.sensors.probe.message import bracketed

STATIC = {"0": "PCMU/8000", "8": "PCMA/8000"}
"""What we offer when the caller leaves the offer to us (RFC 3551)."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio of an offer we can echo."""

    hosts: frozenset[str]
    """Where the caller says its media comes from."""
    formats: tuple[str, ...]
    """Payload types we accept: the first, and telephone-event where it is offered."""
    attributes: tuple[str, ...]
    """`rtpmap`, `fmtp` and `ptime` lines of those formats."""
    media: tuple[str, ...]
    """All of the offer's m-lines without `m=`, since each must be answered in its place."""
    index: int
    """Which of them is the audio."""


def read_offer(body: bytes) -> Audio | None:
    """Find the first plain RTP audio stream of an offer; None when there is none to echo (encrypted, video only)."""
    session_host, sections = "", list[list[str]]()
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("m="):
            sections.append([line[2:].strip()])
        elif sections:
            sections[-1].append(line.strip())
        elif line.startswith("c="):
            session_host = line.split()[-1]
    if any(len(section[0].split()) < 4 for section in sections):
        return None
    for index, section in enumerate(sections):
        words = section[0].split()
        if words[0] == "audio" and words[1] != "0" and words[2] in ("RTP/AVP", "RTP/AVPF"):
            hosts = {line.split()[-1] for line in section if line.startswith("c=") and len(line.split()) == 3}
            formats = _accepted(words[3:], section)
            attributes = tuple(line for line in section if _about(line, formats))
            media = tuple(each[0] for each in sections)
            return Audio(frozenset(hosts or {session_host}), formats, attributes, media, index)
    return None


def _accepted(offered: list[str], section: list[str]) -> tuple[str, ...]:
    events = [
        line[9:].split()[0]
        for line in section
        if line.startswith("a=rtpmap:") and " telephone-event/" in line and line[9:].split()[0] in offered[1:]
    ]
    return (offered[0], *events[:1])


def _about(line: str, formats: tuple[str, ...]) -> bool:
    name, _, value = line.partition(":")
    return name == "a=ptime" or (name in ("a=rtpmap", "a=fmtp") and value.split(" ")[0] in formats)


def answer_sdp(audio: Audio | None, host: str, port: int) -> bytes:
    """Make our session description: the answer to an offer, or an offer of G.711 when there was none."""
    family = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=reflector 1 1 IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0"]
    if audio is None:
        lines += [f"m=audio {port} RTP/AVP {' '.join(STATIC)}"]
        lines += [f"a=rtpmap:{number} {name}" for number, name in STATIC.items()]
        return "\r\n".join([*lines, ""]).encode()
    for index, media in enumerate(audio.media):
        words = media.split()
        if index == audio.index:
            lines += [f"m=audio {port} {words[2]} {' '.join(audio.formats)}", *audio.attributes]
        else:
            lines.append(f"m={' '.join([words[0], '0', *words[2:]])}")
    return "\r\n".join([*lines, ""]).encode()


def contact(host: str, port: int, transport: str) -> str:
    """Return the reflector's Contact."""
    suffix = "" if transport == "UDP" else f";transport={transport.lower()}"
    return f"<sip:reflector@{bracketed(host)}:{port}{suffix}>"
