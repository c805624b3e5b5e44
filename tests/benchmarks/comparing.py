"""Two runs of the benchmarks side by side: does the second reproduce the ratios of the first?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.reporting import FOLDER


def compare(folder: Path | None = None) -> int:
    """Print the ratios of the last two runs of each benchmark; return how many changed by more than noise."""
    files: dict[str, list[Path]] = {}
    for file in sorted((folder or FOLDER).glob("*-*.json")):
        files.setdefault(file.name.rpartition("-")[0], []).append(file)
    table = Table(title="Ratios of the last two runs", title_justify="left")
    for heading in ("benchmark", "what", "before", "from – to", "now", "from – to", "within"):
        table.add_column(heading, overflow="fold")
    outside = 0
    for name, found in files.items():
        if len(found) < 2:
            continue
        before, now = (_speeds(file) for file in found[-2:])
        for what in (what for what in before if what in now):
            within = _overlap(before[what], now[what])
            outside += not within
            table.add_row(name, what, *_shown(before[what]), *_shown(now[what]), "yes" if within else "no")
    Console(width=150).print(table)
    print(f"{outside} of {table.row_count} ratios changed by more than their range")
    return outside


def _speeds(file: Path) -> dict[str, dict[str, float]]:
    results: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["results"]
    return {result["what"]: result["speed"] for result in results if result["speed"]}


def _overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Tell whether each median lies within the other's range."""
    return one["low"] <= other["median"] <= one["high"] and other["low"] <= one["median"] <= other["high"]


def _shown(speed: dict[str, float]) -> tuple[str, str]:
    return f"{speed['median']:.3f}", f"{speed['low']:.3f} – {speed['high']:.3f}"
