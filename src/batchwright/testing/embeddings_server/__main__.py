"""The server by hand: ``python -m batchwright.testing.embeddings_server --port 8080``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

from batchwright.testing.embeddings_server.faults import ServerFault
from batchwright.testing.embeddings_server.server import EmbeddingsServer
from batchwright.testing.embeddings_server.settings import ServerSettings

_EXAMPLE = '{"settings": {"dimensions": 384}, "faults": [{"at": [3], "status": 503}]}'


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m batchwright.testing.embeddings_server")
    parser.add_argument("--port", type=int, default=0, help="the port; 0, the default, for any free one")
    parser.add_argument("--log", type=Path, help="a file to write the requests to, a line of JSON each")
    parser.add_argument("--script", default="{}", help=f"settings and faults, as {_EXAMPLE}; or a file of it")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when nobody holds stdin open")
    given = parser.parse_args()
    text = given.script if given.script.lstrip().startswith("{") else Path(given.script).read_text("utf-8")
    script = json.loads(text)
    faults = map(ServerFault.of_json, script.get("faults", ()))
    settings = ServerSettings(**script.get("settings", {}))
    with EmbeddingsServer(faults, settings, port=given.port, log=given.log) as server:
        print(server.url, flush=True)  # noqa: T201 - that is what it is asked
        try:
            if given.until_stdin_ends:
                sys.stdin.read()
            else:
                threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
