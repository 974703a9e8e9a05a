"""The reflector: a small SIP endpoint for probes: it answers OPTIONS, takes calls and echoes their audio."""

from clearline.sensors.reflector.edge import run_reflector
from clearline.sensors.reflector.endpoint import Settings
from clearline.sensors.reflector.limits import Limits

__all__ = ["Limits", "Settings", "run_reflector"]
