"""What each codec costs on its scale: Ie and Bpl, each with the table it stands in.

Three profiles, chosen by the agreement and never mixed within one figure:

- `planning`: the values of ITU-T G.113's appendices, and nothing else. A codec without a published value is not scored.
- `measured`: `planning`, and for the codecs that G.113 is silent on the values others measured and published.
- `calibrated`: values fitted to P.862 on recorded speech, by our own bench (`clearline.voice.calibration`).

G.113 calls its values provisional planning values; they hold for the loss concealment named there. Whether a receiver
conceals lost G.711 packets can't be seen in RTP: `G.711` is with concealment, `G.711 without PLC` is the other row.
"""

from dataclasses import dataclass
from functools import lru_cache

from clearline.voice import calibration
from clearline.voice.codecs import FEC, codec_name, family

PROFILES = ("planning", "measured", "calibrated")


@dataclass(frozen=True, slots=True)
class Impairment:
    """A codec's row.

    Attributes:
        codec: its name in the table.
        model: the Recommendation whose scale `ie` is on: G.107, G.107.1 or G.107.2.
        ie: equipment impairment factor.
        bpl: packet-loss robustness factor; None: none is published, so that a stream with loss can't be scored.
        source: the table, or the publication.
        burst_exponent: the exponent on BurstR in Ie,eff: 1 in the Recommendation.
        ceiling: what Ie,eff tends to under total loss; None: as the Recommendation has it, burst ratio included.
    """

    codec: str
    model: str
    ie: float
    bpl: float | None
    source: str
    burst_exponent: float = 1.0
    ceiling: float | None = None


_I1 = "G.113 Appendix I, Table I.1"
_I4 = "G.113 Appendix I, Tables I.1 and I.4"
_IV1 = "G.113 Appendix IV, Table IV.1 (monotic)"
_IV3 = "G.113 Appendix IV, Table IV.3 (diotic)"
_IV4 = "G.113 Appendix IV, Tables IV.3 and IV.4 (diotic)"
_IV = "G.113 Appendix IV (disputed: 13 to 14 at 64 kbit/s in print)"
_V = "G.113 Appendix V (diotic)"
_ALAHMADI = "Alahmadi, Pocta, Melvin, ACM TOMM 17(4):133 (2021)"
_DE_VLEESCHAUWER = "implied by De Vleeschauwer's delay bounds"

_PLANNING: list[tuple[str, str, float, float | None, str]] = [
    ("G.711", "G.107", 0, 25.1, f"{_I4} (Appendix I concealment, 10 ms packets)"),
    ("G.711 without PLC", "G.107", 0, 4.3, f"{_I4} (10 ms packets)"),
    ("G.726-40", "G.107", 2, None, _I1),
    ("G.726-32", "G.107", 7, None, _I1),
    ("G.726-24", "G.107", 25, None, _I1),
    ("G.726-16", "G.107", 50, None, _I1),
    ("G.728", "G.107", 7, None, _I1),
    ("G.728 12.8", "G.107", 20, None, _I1),
    ("G.729", "G.107", 10, None, _I1),
    ("G.729A+VAD", "G.107", 11, 19.0, f"{_I4} (20 ms packets)"),
    ("G.723.1 6.3+VAD", "G.107", 15, 16.1, f"{_I4} (30 ms packets)"),
    ("G.723.1 5.3", "G.107", 19, None, _I1),
    ("GSM-FR", "G.107", 20, None, _I1),
    ("GSM-HR", "G.107", 23, None, _I1),
    ("GSM-EFR", "G.107", 5, 10.0, f"{_I4} (20 ms packets)"),
    ("IS-641", "G.107", 10, None, _I1),
    ("IS-54", "G.107", 20, None, _I1),
    ("IS-96a", "G.107", 21, None, _I1),
    ("IS-127", "G.107", 6, None, _I1),
    ("PDC", "G.107", 24, None, _I1),
    ("G.722", "G.107.1", 13, None, _IV),
    ("G.722 56", "G.107.1", 20, None, _IV),
    ("G.722 48", "G.107.1", 31, None, _IV),
    ("G.722.1 32", "G.107.1", 13, None, "G.113 Appendix IV"),
    ("G.722.1 24", "G.107.1", 19, None, "G.113 Appendix IV"),
    ("AMR-WB 23.85", "G.107.1", 10, 4.9, _IV4),
    ("AMR-WB 23.05", "G.107.1", 8, 4.6, _IV4),
    ("AMR-WB 15.85", "G.107.1", 17, None, _IV3),
    ("AMR-WB 12.65", "G.107.1", 20, 4.3, _IV4),
    ("AMR-WB 8.85", "G.107.1", 41, None, _IV3),
    ("AMR-WB 6.6", "G.107.1", 56, None, _IV3),
    ("AMR-WB 23.85 monotic", "G.107.1", 8, None, _IV1),
    ("AMR-WB 23.05 monotic", "G.107.1", 1, None, _IV1),
    ("AMR-WB 19.85 monotic", "G.107.1", 3, None, _IV1),
    ("AMR-WB 18.25 monotic", "G.107.1", 5, None, _IV1),
    ("AMR-WB 15.85 monotic", "G.107.1", 7, None, _IV1),
    ("AMR-WB 14.25 monotic", "G.107.1", 10, None, _IV1),
    ("AMR-WB 12.65 monotic", "G.107.1", 13, None, _IV1),
    ("AMR-WB 8.85 monotic", "G.107.1", 26, None, _IV1),
    ("AMR-WB 6.6 monotic", "G.107.1", 41, None, _IV1),
    ("EVS SWB 48", "G.107.2", 10.2, 9.6, _V),
    ("EVS SWB 32", "G.107.2", 8.7, 9.3, f"{_V}, Erratum 1 of 2026"),
    ("EVS SWB 24.4", "G.107.2", 7.2, 11.4, _V),
    ("EVS SWB 16.4", "G.107.2", 10.8, 10.3, _V),
    ("EVS SWB 13.2", "G.107.2", 17.1, 11.7, _V),
    ("EVS SWB 9.6", "G.107.2", 22.7, 13, _V),
]

# The paper gives Opus's values per audio band without naming the scale; each is read on the scale of its band.
_MEASURED: list[tuple[str, str, float, float | None, str]] = [
    ("AMR 4.75", "G.107", 21.4, None, _DE_VLEESCHAUWER),
    ("AMR 5.15", "G.107", 19.6, None, _DE_VLEESCHAUWER),
    ("AMR 5.9", "G.107", 16.6, None, _DE_VLEESCHAUWER),
    ("AMR 6.7", "G.107", 13.8, None, _DE_VLEESCHAUWER),
    ("AMR 7.4", "G.107", 11.7, None, _DE_VLEESCHAUWER),
    ("AMR 7.95", "G.107", 10.2, None, _DE_VLEESCHAUWER),
    ("AMR 10.2", "G.107", 6.1, None, _DE_VLEESCHAUWER),
    ("AMR 12.2", "G.107", 5.1, None, _DE_VLEESCHAUWER),
    ("Opus SWB-VBR 14", "G.107.2", 38.06, 16.51, _ALAHMADI),
    ("Opus SWB-VBR 16", "G.107.2", 30.16, 11.83, _ALAHMADI),
    ("Opus SWB-VBR 19", "G.107.2", 23.81, 10.67, _ALAHMADI),
    ("Opus SWB-VBR 22", "G.107.2", 20.22, 10.47, _ALAHMADI),
    ("Opus SWB-VBR 25", "G.107.2", 20.21, 11.28, _ALAHMADI),
    ("Opus SWB-VBR 28", "G.107.2", 18.48, 10.63, _ALAHMADI),
    ("Opus SWB-VBR 31", "G.107.2", 16.83, 10.44, _ALAHMADI),
    ("Opus SWB-VBR 34", "G.107.2", 14.76, 10.12, _ALAHMADI),
    ("Opus SWB-VBR 37", "G.107.2", 12.08, 10.38, _ALAHMADI),
    ("Opus SWB-VBR 40", "G.107.2", 10.67, 9.79, _ALAHMADI),
    ("Opus SWB-CBR 16", "G.107.2", 36.88, 13.30, _ALAHMADI),
    ("Opus SWB-CBR 25", "G.107.2", 22.64, 10.57, _ALAHMADI),
    ("Opus SWB-CBR 40", "G.107.2", 15.90, 11.35, _ALAHMADI),
    ("Opus WB-VBR 11", "G.107.1", 28.41, 23.94, _ALAHMADI),
    ("Opus WB-VBR 12", "G.107.1", 23.30, 22.22, _ALAHMADI),
    ("Opus WB-VBR 13", "G.107.1", 19.96, 19.50, _ALAHMADI),
    ("Opus WB-CBR 12", "G.107.1", 29.76, 24.81, _ALAHMADI),
    ("Opus WB-CBR 15", "G.107.1", 18.06, 18.74, _ALAHMADI),
    ("Opus NB-VBR 6", "G.107", 23.00, 24.56, _ALAHMADI),
    ("Opus NB-VBR 9", "G.107", 11.74, 18.91, _ALAHMADI),
    ("Opus NB-CBR 6", "G.107", 46.27, 8.94, _ALAHMADI),
    ("Opus NB-CBR 8", "G.107", 19.25, 15.13, _ALAHMADI),
    ("Opus NB-CBR 11", "G.107", 2.03, 15.95, _ALAHMADI),
]


def _table(rows: list[tuple[str, str, float, float | None, str]]) -> dict[str, Impairment]:
    return {row[0].lower(): Impairment(*row) for row in rows}


_TABLES: dict[str, dict[str, Impairment]] = {
    "planning": _table(_PLANNING),
    "measured": _table(_PLANNING + _MEASURED),
    "calibrated": {
        codec.lower(): Impairment(codec, model, ie, bpl, calibration.PROVENANCE, exponent, ceiling)
        for codec, (model, ie, bpl, exponent, ceiling) in calibration.FITTED.items()
    },
}

_ALIASES = {
    "g.729a": "g.729a+vad",  # the only row of G.729A, and the only one of the family with a Bpl
    "g.711 plc": "g.711",
    "g.723.1": "g.723.1 6.3+vad",
    "g.726": "g.726-32",
}


def codecs(profile: str) -> list[Impairment]:
    """List a profile's rows in their table's order.

    Raises:
        ValueError: no such profile.
    """
    if profile not in _TABLES:
        raise ValueError(f"profile: {profile!r} is none of {', '.join(PROFILES)}")
    return list(_TABLES[profile].values())


@lru_cache(maxsize=1024)
def codec_impairment(codec: str, profile: str = "planning") -> Impairment | None:
    """Find a codec's row.

    Args:
        codec: a name of the tables (`G.729A+VAD`, see `codecs`), or an encoding name of SDP (`PCMU`); in any case.
        profile: one of `PROFILES`.

    Returns:
        The row; None: this profile has none, see `unscored_reason`.

    Raises:
        ValueError: no such profile.
    """
    codecs(profile)
    table = _TABLES[profile]
    given = codec.strip().lower()
    name = codec_name(codec.removesuffix(FEC))
    names = [_ALIASES.get(given, given), name.lower()]
    if profile == "calibrated":  # fitted by family, and by band where it has several: any mode is scored by that fit
        names.append(name.partition("-")[0].lower())
        names += [family(name).lower() + FEC.lower()] * codec.endswith(FEC)
        names.append(family(name).lower())
    return next((table[each] for each in names if each in table), None)


def narrowband_equivalent(codec: str, profile: str = "planning") -> Impairment | None:
    """Find the constants that rate a wideband codec on the narrowband scale of G.107; None: there are none."""
    fitted = calibration.FITTED_NARROWBAND.get(codec) if profile == "calibrated" else None
    if fitted is None:
        return None
    ie, bpl, exponent, ceiling = fitted
    return Impairment(codec, "G.107", ie, bpl, calibration.PROVENANCE, exponent, ceiling)


def unscored_reason(codec: str, profile: str = "planning", *, lossy: bool = False) -> str | None:
    """Say why a stream of this codec is not scored, in a sentence; None: it can be.

    Args:
        codec: as for `codec_impairment`.
        profile: one of `PROFILES`.
        lossy: whether the stream lost a packet.
    """
    row = codec_impairment(codec, profile)
    if row is not None:
        if row.bpl is None and lossy:
            return f"{row.codec} has no published packet-loss robustness (Bpl), so that a stream with loss has no score"
        return None
    name = codec_name(codec.removesuffix(FEC))
    modes = [other.codec for other in codecs(profile) if family(other.codec) == family(name)]
    if modes:
        return f"{name} is scored by its mode, as {modes[0]} is; this stream's mode is not known or has no value"
    if profile == "calibrated":
        return f"{name} has not been fitted to reference measurements"
    elsewhere = codec_impairment(codec, "measured") or any(family(o.codec) == family(name) for o in codecs("measured"))
    hint = "; the profile `measured` has values for it" if elsewhere else ""
    return f"{name} has no published impairment in ITU-T G.113{hint}"
