"""The Grafana dashboard that comes with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    text = files("batchwright_prometheus").joinpath("dashboard.json").read_text("utf-8")
    values: dict[str, Any] = json.loads(text)
    return values
