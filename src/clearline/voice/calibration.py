"""The fitted constants of the `calibrated` profile and their origin. Written by `./clearline bench accuracy`."""

PROVENANCE = ""
"""What was measured, by which reference, on which voices."""

FITTED: dict[str, tuple[str, float, float, float]] = {}
"""Codec → (model, Ie, Bpl, exponent on BurstR)."""

FITTED_NARROWBAND: dict[str, tuple[float, float, float]] = {}
"""Wideband codec → (Ie, Bpl, exponent on BurstR) on the narrowband scale of G.107."""
