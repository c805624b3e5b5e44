"""The Grafana dashboard and the alerts that come with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    values: dict[str, Any] = json.loads(_read("dashboard.json"))
    return values


def alerts() -> str:
    """Return the alerts as Prometheus reads them: a rules file, in YAML."""
    return _read("alerts.yml")


def _read(name: str) -> str:
    return files("batchwright_prometheus").joinpath(name).read_text("utf-8")
