"""Measurements kept for years and asked in milliseconds."""
