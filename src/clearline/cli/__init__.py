"""The commands: they say and show, and decide nothing."""
