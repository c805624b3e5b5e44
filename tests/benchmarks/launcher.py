"""Starts a command, waits for it, and says what it cost: ``python -IS launcher.py SECONDS REPORT COMMAND…``.

A small program of its own, since Linux counts the memory of the process that starts a child as the child's:
started from a benchmark that holds its rows, every child would appear to need as much.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time


def main(seconds: str, report: str, *command: str) -> None:
    """Run the command, killed after so many seconds; write wall, CPU and peak memory to the report."""
    began = time.perf_counter()
    process = subprocess.Popen(command)
    killer = threading.Timer(float(seconds), process.kill)
    killer.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    killer.cancel()
    unit = 1 if sys.platform == "darwin" else 1024
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes time to import
        json.dump(
            {
                "code": os.waitstatus_to_exitcode(status),
                "wall": wall,
                "cpu": used.ru_utime + used.ru_stime,
                "peak": used.ru_maxrss * unit,
            },
            file,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
