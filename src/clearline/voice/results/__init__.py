"""What an analysis says: values that nobody changes, and their JSON as docs/schemas/analysis.json publishes it."""

from clearline.voice.results.call import Call, LadderMessage
from clearline.voice.results.content import Digit, Level, Redundancy, Video
from clearline.voice.results.stream import Burst, Counts, Delay, Interval, Quality, Regularity, Reported, Stream
from clearline.voice.results.whole import Analysis, CaptureHealth

__all__ = [
    "Analysis",
    "Burst",
    "Call",
    "CaptureHealth",
    "Counts",
    "Delay",
    "Digit",
    "Interval",
    "LadderMessage",
    "Level",
    "Quality",
    "Redundancy",
    "Regularity",
    "Reported",
    "Stream",
    "Video",
]
