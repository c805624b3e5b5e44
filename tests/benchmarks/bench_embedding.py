"""A load that embeds, against the embedder's own time: requests × its seconds a request / requests at once.

The clock begins with the first request, and ends with the command: what comes before is every load's.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from batchwright.testing import EmbeddingsProcess
from batchwright.testing.embeddings_server import ServerSettings
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.measuring import ROOT, Case, Cost, run_command
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope, facts_of, renew

SECONDS = 0.05
AT_ONCE = 4
TEXTS = 8
DIMENSIONS = 64
PLUGIN = ROOT / "tests" / "support" / "http_embedder.py"

Asks = Callable[[str], Cost]
"""Has a server asked, by its URL; returns what that took."""


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    documents, admin, folder = scope.documents(), scope.postgres(), scope.folder()
    url = scope.database()
    targets = {
        "SQLite": f"sqlite:///{folder}/kb.db",
        "Postgres, index last": f"{url}{'&' if '?' in url else '?'}schema={SCHEMA}",
    }
    asked: list[tuple[str, ...]] = []

    def load(target: str, server: str) -> Cost:
        renew(admin)
        for path in folder.glob("kb.db*"):
            path.unlink()
        settings = folder / "batchwright.toml"
        settings.write_text(
            f'embedder = "http"\n[embedders.http]\nurl = "{server}"\ndimensions = {DIMENSIONS}\n'
            f"texts = {TEXTS}\nat_once = {AT_ONCE}\nkeeps = true\n"
        )
        command = [sys.executable, "-m", "batchwright", "run", str(documents), "--quiet", "--to", target]
        cost, _ = run_command([*command, "--plugin", str(PLUGIN), "--config", str(settings)])
        return cost

    def bare(server: str) -> Cost:
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            requests = iter(asked)
            list(threads.map(lambda _: ask_all(server, requests), range(AT_ONCE)))
        return Cost(time.monotonic() - began, 0.0)

    def measured(asks: Asks) -> Cost:
        with served(folder) as server:
            cost, ended = asks(server.url), time.time()
            requests = server.requests
        asked[:] = [request.texts for request in requests]
        return Cost(ended - requests[0].began, cost.cpu, cost.peak, len(requests))

    def own() -> Cost:
        return Cost(len(asked) * SECONDS / AT_ONCE, 0.0, rows=len(asked))

    measured(partial(load, targets["SQLite"]))  # what is asked
    base = "the embedder's own time"
    results = scope.measure(
        [
            Case(base, own),
            Case("a bare client", lambda: measured(bare), base),
            *(
                Case(f"batchwright to {name}", partial(measured, partial(load, target)), base)
                for name, target in targets.items()
            ),
        ]
    )
    renew(admin, drop_only=True)
    title = f"{len(asked)} requests of {SECONDS * 1000:g} ms, {AT_ONCE} at once, from the first one on"
    return report("embedding", title, results, facts=facts_of(admin), folder=scope.results)


def ask_all(server: str, requests: Iterator[Sequence[str]]) -> None:
    """Make requests one after the other, and read the answers."""
    place = urlsplit(server)
    with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)) as connection:
        for texts in requests:
            body = json.dumps({"model": "kept", "input": texts}).encode()
            connection.request("POST", f"{place.path}/embeddings", body)
            json.loads(connection.getresponse().read())


def served(folder: Path) -> EmbeddingsProcess:
    """Return a server, in a process of its own, that has little else to do than to wait."""
    log = folder / "asked.jsonl"
    log.unlink(missing_ok=True)
    settings = ServerSettings(dimensions=DIMENSIONS, delay=SECONDS, counts=False)
    return EmbeddingsProcess(settings=settings, log=log)
