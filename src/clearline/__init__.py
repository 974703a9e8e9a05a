"""Clearline makes a VoIP provider's service level agreement executable."""

__version__ = "0.1.0"
