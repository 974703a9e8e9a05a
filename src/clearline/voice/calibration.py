"""The fitted constants of the `calibrated` profile, written by `./clearline bench accuracy`."""

PROVENANCE = "fitted to P.862.1 and P.862.2+Cor.2 on Allison and Carlo of asterisk-core-sounds 1.6.1"
"""By which reference the constants were found, on which voices; docs/accuracy.md says how well they hold."""

FITTED: dict[str, tuple[str, float, float, float, float]] = {
    "G.711": ("G.107", 9.438, 12.438, 0.103, 95.000),
    "G.711 without PLC": ("G.107", 8.812, 8.125, 0.050, 95.000),
    "G.729": ("G.107", 22.688, 14.938, -0.103, 95.000),
    "Opus NB": ("G.107", 9.438, 13.875, 0.119, 95.000),
    "G.722": ("G.107.1", 5.688, 6.000, -0.163, 118.750),
    "Opus": ("G.107.1", 2.750, 6.000, 0.050, 99.500),
    "Opus FEC": ("G.107.1", 20.062, 6.750, 0.000, 97.375),
}
"""Codec → (model, Ie, Bpl, exponent on BurstR, ceiling of Ie,eff)."""

FITTED_NARROWBAND: dict[str, tuple[float, float, float, float]] = {
    "G.722": (5.375, 8.938, -0.131, 95.000),
    "Opus": (6.250, 12.500, 0.091, 95.000),
    "Opus FEC": (15.562, 12.625, 0.000, 95.000),
}
"""Wideband codec → (Ie, Bpl, exponent on BurstR, ceiling of Ie,eff) on the narrowband scale of G.107."""
