"""From an encoding name of SDP to the one name a codec has in the impairment tables."""

LOOK_AHEAD_MS = {
    "G.729": 5.0,
    "G.723.1": 7.5,
    "G.722": 1.5,
    "AMR": 5.0,
    "AMR-WB": 5.0,
    "EVS": 12.0,
    "Opus": 6.5,
}
"""Codec family → encoder look-ahead and filter delay, ms, from each codec's specification; 0 for the others."""

PACKETIZATION_MS = {"G.723.1": 30.0, "iLBC": 30.0}
"""Codec family → the packet length taken when none is known, ms; 20 for the others."""

_PLAIN = {
    "pcmu": "G.711",
    "pcma": "G.711",
    "g711": "G.711",
    "g722": "G.722",
    "g728": "G.728",
    "g7221": "G.722.1",
    "gsm": "GSM-FR",
    "gsm-hr-08": "GSM-HR",
    "gsm-efr": "GSM-EFR",
    "g726-16": "G.726-16",
    "g726-24": "G.726-24",
    "g726-32": "G.726-32",
    "g726-40": "G.726-40",
    "aal2-g726-16": "G.726-16",
    "aal2-g726-24": "G.726-24",
    "aal2-g726-32": "G.726-32",
    "aal2-g726-40": "G.726-40",
    "g721": "G.726-32",
    "ilbc": "iLBC",
    "speex": "Speex",
    "l16": "L16",
    "lpc": "LPC",
    "dvi4": "DVI4",
    "qcelp": "QCELP",
    "evrc": "EVRC",
    "silk": "SILK",
}
"""Encoding name, in small letters → codec, where the name alone says it."""

_AMR_KBPS = ("4.75", "5.15", "5.9", "6.7", "7.4", "7.95", "10.2", "12.2")
_AMR_WB_KBPS = ("6.6", "8.85", "12.65", "14.25", "15.85", "18.25", "19.85", "23.05", "23.85")

_OPUS_ROWS = {
    "SWB-VBR": (14, 16, 19, 22, 25, 28, 31, 34, 37, 40),
    "SWB-CBR": (16, 25, 40),
    "WB-VBR": (11, 12, 13),
    "WB-CBR": (12, 15),
    "NB-VBR": (6, 9),
    "NB-CBR": (6, 8, 11),
}
"""The bands, modes and bit rates (kbit/s) at which Opus was measured."""


FEC = " FEC"
"""Ends the name of an Opus with in-band redundancy (RFC 6716 section 2.1.7): its score wants the residual loss."""


def format_parameters(fmtp: str) -> dict[str, str]:
    """Split an `a=fmtp` line's parameters (`annexb=no; mode-set=0,2`) into names, in small letters, and values."""
    pairs = (part.partition("=") for part in fmtp.replace(",annex", ";annex").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def codec_name(
    encoding: str, fmtp: str = "", bitrate_kbps: float | None = None, *, band: str = "", fec: bool = False
) -> str:
    """Name the codec of a payload format as the impairment tables do.

    Args:
        encoding: the encoding name of `a=rtpmap` or of RFC 3551's static types (`PCMU`, `G729`, `AMR-WB`, …).
        fmtp: the parameters of its `a=fmtp` line, `""` if it has none.
        bitrate_kbps: the bit rate measured on the stream, for codecs that choose theirs as they go.
        band: the audio bandwidth seen in the stream's packets, one of `opus.BANDS`; "" when it was not seen.
        fec: whether its packets carry Opus's in-band redundancy.

    Returns:
        The codec, with its mode where the mode decides the impairment (`G.729A+VAD`, `AMR-WB 12.65`); for a mode that
        is not known, the codec's family alone (`AMR-WB`); for a name not known here, that name.
    """
    name = encoding.strip().lower()
    parameters = format_parameters(fmtp)
    if name in ("g729", "g729a"):  # RFC 4856: annexb is yes unless said otherwise
        return "G.729" if parameters.get("annexb", "yes").lower() == "no" else "G.729A+VAD"
    if name in ("g723", "g723.1"):
        return "G.723.1 5.3" if parameters.get("bitrate") == "5.3" else "G.723.1 6.3+VAD"
    if name in ("amr", "amr-wb"):
        rates = _AMR_KBPS if name == "amr" else _AMR_WB_KBPS
        return _with_mode(encoding.strip().upper(), parameters.get("mode-set", ""), rates)
    if name == "evs":
        return _evs(parameters, bitrate_kbps)
    if name == "opus":
        return _opus(parameters, bitrate_kbps, band) + (FEC if fec else "")
    return _PLAIN.get(name, encoding.strip())


def family(codec: str) -> str:
    """Give the codec without its mode: `G.729A+VAD` → `G.729`, `AMR-WB 12.65` → `AMR-WB`."""
    return codec.split(" ", 1)[0].removesuffix("+VAD").removesuffix("A")


def look_ahead_ms(codec: str) -> float:
    """Give the codec's look-ahead, ms."""
    return LOOK_AHEAD_MS.get(family(codec), 0.0)


def packetization_ms(codec: str) -> float:
    """Give the packet length to take when none was seen or agreed, ms."""
    return PACKETIZATION_MS.get(family(codec), 20.0)


def _with_mode(codec: str, mode_set: str, rates: tuple[str, ...]) -> str:
    """Add the bit rate when the mode set holds one mode only."""
    if mode_set.isascii() and mode_set.isdigit() and int(mode_set[:3]) < len(rates):
        return f"{codec} {rates[int(mode_set[:3])]}"
    return codec


def _evs(parameters: dict[str, str], bitrate_kbps: float | None) -> str:
    rate = parameters.get("br") or ("" if bitrate_kbps is None else f"{bitrate_kbps:g}")
    return f"EVS SWB {rate}" if parameters.get("bw", "") == "swb" and rate else "EVS"


def _opus(parameters: dict[str, str], bitrate_kbps: float | None, seen: str) -> str:
    """Name the nearest measured bit rate of the band seen, or that the parameters allow, and mode (RFC 7587, 6.1)."""
    rate = bitrate_kbps
    if rate is None and (bits := parameters.get("maxaveragebitrate", "")).isascii() and bits.isdigit():
        rate = int(bits[:9]) / 1000
    if rate is None:
        return "Opus"
    playback = parameters.get("maxplaybackrate", "48000")
    band = {"NB": "NB", "MB": "NB", "WB": "WB", "SWB": "SWB", "FB": "SWB"}.get(seen)
    band = band or {"8000": "NB", "12000": "NB", "16000": "WB"}.get(playback, "SWB")
    row = f"{band}-{'CBR' if parameters.get('cbr') == '1' else 'VBR'}"
    wanted = rate
    return f"Opus {row} {min(_OPUS_ROWS[row], key=lambda kbps: abs(kbps - wanted))}"
