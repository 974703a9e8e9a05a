"""Bytes → calls → scores. Pure: no clock, socket, file, environment or random source."""
