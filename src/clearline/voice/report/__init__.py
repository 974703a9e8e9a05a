"""The report of an analysis as one HTML file: `report(analysis)`."""

from clearline.voice.report.page import report

__all__ = ["report"]
