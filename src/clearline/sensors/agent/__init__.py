"""The agent: probes from another machine and hands what it measured to the platform."""
