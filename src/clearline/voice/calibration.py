"""The fitted constants of the `calibrated` profile, written by `./clearline bench accuracy`."""

PROVENANCE = "fitted to P.862.1 and P.862.2+Cor.2 on Allison and Carlo of asterisk-core-sounds 1.6.1"
"""By which reference the constants were found, on which voices; docs/accuracy.md says how well they hold."""

FITTED: dict[str, tuple[str, float, float, float, float]] = {
    "G.711": ("G.107", 9.625, 12.594, 0.113, 95.000),
    "G.711 without PLC": ("G.107", 8.531, 8.000, 0.042, 95.000),
    "G.729": ("G.107", 22.719, 14.953, -0.105, 95.000),
    "Opus NB": ("G.107", 9.375, 13.812, 0.116, 95.000),
    "G.722": ("G.107.1", 4.531, 5.562, -0.155, 116.125),
    "Opus": ("G.107.1", 6.359, 7.812, 0.047, 107.938),
    "Opus FEC": ("G.107.1", 20.797, 8.500, 0.000, 106.531),
}
"""Codec → (model, Ie, Bpl, exponent on BurstR, ceiling of Ie,eff)."""

FITTED_NARROWBAND: dict[str, tuple[float, float, float, float]] = {
    "G.722": (5.141, 8.828, -0.134, 95.000),
    "Opus": (6.078, 12.375, 0.084, 95.000),
    "Opus FEC": (15.578, 12.625, 0.000, 95.000),
}
"""Wideband codec → (Ie, Bpl, exponent on BurstR, ceiling of Ie,eff) on the narrowband scale of G.107."""
