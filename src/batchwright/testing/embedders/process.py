"""An embedder in a process of its own, with other hashes of texts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import pytest

from batchwright.contracts.embedder import AnyEmbedder
from batchwright.testing.calls import within

_START = 60.0
"""Seconds that a process may take to start, on a machine that has much else to do."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another process found: the model's identity, and the vector of a text."""

    identity: str
    vector: list[float]


def embedded_elsewhere(embedder: AnyEmbedder, text: str, patience: float) -> Elsewhere:
    """Return what another process makes of a text with the embedder, which was pickled."""
    try:
        sent = pickle.dumps(sys.path) + pickle.dumps((embedder, text))
    except Exception as error:  # noqa: BLE001 - pickle raises what it likes
        pytest.fail(f"it can't be sent to a worker: {type(error).__name__}: {error}")
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", f"from {__name__} import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    )
    try:
        said, wrong = within(_START + patience, "another process", partial(process.communicate, sent))
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        pytest.fail(f"in another process: {wrong.decode(errors='replace').strip()[-1500:]}")
    found = pickle.loads(said)  # noqa: S301 - from our child
    assert isinstance(found, Elsewhere)  # noqa: S101
    return found


def main() -> None:
    """Be the other process."""
    sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our parent
    embedder, text = pickle.load(sys.stdin.buffer)  # noqa: S301
    out, sys.stdout = sys.stdout, sys.stderr
    vector = [float(number) for number in embedder.embed([text])[0]]
    pickle.dump(Elsewhere(embedder.model.identity, vector), out.buffer)
    out.flush()
    embedder.close()
