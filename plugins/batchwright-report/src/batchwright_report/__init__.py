"""What a batchwright run did, on one HTML page."""

from batchwright_report.options import ReportOptions
from batchwright_report.reporter import HtmlReporter

__all__ = ["HtmlReporter", "ReportOptions"]
