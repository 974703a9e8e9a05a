"""Sockets, files and timers → records."""
