"""A real Prometheus, which scrapes the file of the reporter as it would the node_exporter's."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

PROGRAM = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")

INTERVAL = 0.2
"""Seconds between two scrapes, and between two evaluations of the rules."""

CONFIG = """
global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
rule_files: [alerts.yml]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """A server of its own, with the alerts, in a folder.

    Args:
        folder: Where it keeps its data.
        alerts: The rules file.
        textfile: What it scrapes.
    """

    def __init__(self, folder: Path, alerts: str, textfile: Path) -> None:
        assert PROGRAM is not None
        folder.mkdir()
        self._exporter = _exporter_of(textfile)
        (folder / "alerts.yml").write_text(alerts, "utf-8")
        (folder / "prometheus.yml").write_text(CONFIG.format(port=self._exporter.server_port), "utf-8")
        port = _free_port()
        self._url = f"http://127.0.0.1:{port}/api/v1"
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._threads = threading.Thread(target=self._exporter.serve_forever, args=(0.05,), daemon=True)
        self._threads.start()

    def query(self, expression: str, later: float = 0.0) -> list[tuple[dict[str, str], float]]:
        """Return what an expression gives: labels and values.

        Args:
            expression: PromQL.
            later: Seconds from now at which it is evaluated.
        """
        arguments = {"query": expression, "time": time.time() + later}
        found = self._get(f"query?{urlencode(arguments)}")["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in found]

    def value(self, expression: str, later: float = 0.0) -> float | None:
        """Return the only value that an expression gives, or None."""
        found = self.query(expression, later)
        assert len(found) < 2, found
        return found[0][1] if found else None

    def alerts(self) -> set[tuple[str, str]]:
        """Return the alerts that fire or are about to: names and collections."""
        labels = [alert["labels"] for alert in self._get("alerts")["alerts"]]
        return {(one["alertname"], one.get("collection", "")) for one in labels}

    def wait_for(self, condition: Callable[[], Any]) -> None:
        """Wait until the condition holds, and longer than two scrapes take."""
        deadline = time.monotonic() + 20
        time.sleep(3 * INTERVAL)
        while not condition():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(INTERVAL)

    def wait_for_value(self, expression: str, value: float) -> None:
        """Wait until an expression gives the value."""
        self.wait_for(lambda: self.value(expression) == value)

    def wait_for_alert(self, name: str, collection: str) -> None:
        """Wait until an alert is there."""
        self.wait_for(lambda: (name, collection) in self.alerts())

    def _get(self, what: str) -> Any:
        deadline = time.monotonic() + 20
        while True:
            try:
                with urlopen(f"{self._url}/{what}", timeout=10) as answer:
                    return json.load(answer)["data"]
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(20)
        self._exporter.shutdown()
        self._exporter.server_close()
        self._threads.join(5)


def _exporter_of(textfile: Path) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = textfile.read_bytes() if textfile.exists() else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
