"""Results as a table, and as JSON under `.benchmarks/`, with the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measuring import ROOT, Result, Spread

FOLDER = ROOT / ".benchmarks"


def report(
    name: str,
    title: str,
    results: Sequence[Result],
    *,
    facts: Mapping[str, object] | None = None,
    folder: Path | None = None,
) -> Path:
    """Print the results, and store them with the machine's facts.

    Args:
        name: What the file's name begins with; the time of day follows.
        title: What the table is called.
        results: What was measured.
        facts: What else to say: documents, bytes, Postgres' version.
        folder: Where to, `.benchmarks` if None.

    Returns:
        The file.
    """
    print_table(title, results)
    now = datetime.now(UTC)
    content = {
        "name": name,
        "title": title,
        "when": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "facts": dict(facts or {}),
        "results": [as_dict(result) for result in results],
    }
    file = (folder or FOLDER) / f"{name}-{now:%Y%m%dT%H%M%S}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def print_table(title: str, results: Sequence[Result]) -> None:
    """Print a line for each result: medians, and the ratio with its range and its best."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("what", overflow="fold")
    for heading in (
        "rows",
        "MB",
        "wall s",
        "CPU s",
        "MB/s",
        "rows/s",
        "peak MB",
        "speed",
        "from – to",
        "best",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("of", overflow="fold")
    for result in results:
        cost, seconds = result.costs[0], result.seconds().median
        speed, peak = result.speed, result.peak
        table.add_row(
            result.case.name,
            f"{cost.rows:,}" if cost.rows else "",
            f"{cost.size / 1e6:.1f}" if cost.size else "",
            f"{result.seconds('wall').median:.3f}",
            f"{result.seconds('cpu').median:.3f}",
            f"{cost.size / seconds / 1e6:.2f}" if cost.size else "",
            f"{cost.rows / seconds:,.0f}" if cost.rows else "",
            f"{peak.median / 1e6:.0f}" if peak else "",
            *(("", "", "") if speed is None else _ratio(speed, result.best or 0.0)),
            result.case.against or "",
        )
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def _ratio(speed: Spread, best: float) -> tuple[str, str, str]:
    """Return a ratio, its range, and that of the best passes as one reads them: per cent, or times."""
    if speed.median < 2:
        return f"{speed.median:.1%}", f"{speed.low:.1%} – {speed.high:.1%}", f"{best:.1%}"
    return f"{speed.median:.1f} ×", f"{speed.low:.1f} – {speed.high:.1f} ×", f"{best:.1f} ×"


def as_dict(result: Result) -> dict[str, Any]:
    """Return a result for JSON: every pass, and medians with their range."""
    case = result.case

    def spread(found: Spread | None) -> dict[str, float] | None:
        return None if found is None else asdict(found)

    return {
        "what": case.name,
        "against": case.against,
        "clock": case.clock,
        **case.facts,
        "rows": result.costs[0].rows,
        "bytes": result.costs[0].size,
        "wall": spread(result.seconds("wall")),
        "cpu": spread(result.seconds("cpu")),
        "peak": spread(result.peak),
        "speed": spread(result.speed),
        "best": result.best,
        "memory": spread(result.memory),
        "passes": [asdict(cost) for cost in result.costs],
    }


def machine() -> dict[str, object]:
    """Return what the figures depend on beside the code."""
    packages = ("batchwright", "psycopg", "pydantic", "toktok-rs")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
