"""Measures batchwright beside its peers: ``make bench-peers [ARGS="FOLDER [ROUNDS]"]``.

FOLDER holds Markdown documents; by default variations of our own documentation.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import ROUNDS
from tests.benchmarks.peers import corpus, environments, keyed, retrieval, text, whole
from tests.benchmarks.scope import Scope


def main(arguments: list[str]) -> None:
    """Install the peers, measure, print tables and say where the JSON is."""
    missing = environments.install_all()
    count = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as made:
        folder = Path(arguments[0]) if arguments else corpus.write(Path(made) / "documents")
        for measure in (text.run, whole.run, keyed.run):
            print(measure(folder, Path(made), missing, count))
    with (scope := Scope()).opened():
        print(retrieval.run(scope, missing))


if __name__ == "__main__":
    main(sys.argv[1:])
