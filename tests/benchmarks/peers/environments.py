"""The peers, each installed in an environment of its own under `.venv-peers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import ROOT

FOLDER = ROOT / ".venv-peers"
_INSTALLING = 900.0
_VOCABULARY = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""cl100k_base, as tiktoken names what it has fetched; LlamaIndex brings it along."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with a peer.

    Attributes:
        name: Its folder's.
        requirements: What is installed there; the first one is the peer.
    """

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def python(self) -> str:
        return str(self.folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")

    def install(self) -> str | None:
        """Install it unless it is there; return why it couldn't be, or None."""
        stamp = self.folder / "installed.json"
        if stamp.exists() and json.loads(stamp.read_text()) == list(self.requirements):
            return None
        pip = [self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(self.folder)],
            [*pip, "--only-binary", ":all:", *self.requirements],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLING)
            except subprocess.TimeoutExpired:
                return f"{command[2]} took more than {_INSTALLING:.0f} s"
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                errors = [line for line in said if line.startswith("ERROR")]
                return (errors or said or [f"it ended with {done.returncode}"])[-1]
        stamp.write_text(json.dumps(self.requirements))
        return None

    def versions(self) -> dict[str, str]:
        """Return the versions of what was asked for."""
        names = [requirement.partition("[")[0] for requirement in self.requirements]
        script = (
            "import importlib.metadata, json, sys;"
            "print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))"
        )
        done = subprocess.run([self.python, "-c", script, *names], capture_output=True, text=True, check=True)
        found: dict[str, str] = json.loads(done.stdout)
        return found


LANGCHAIN = Environment(
    "langchain",
    (
        "langchain-text-splitters",
        "langchain-core",
        "langchain-classic",
        "langchain-postgres",
        "psycopg[binary]",
        "tiktoken",
        "toktok-rs",
    ),
)
LLAMA_INDEX = Environment(
    "llama_index",
    (
        "llama-index-core",
        "llama-index-vector-stores-postgres",
        "llama-index-storage-docstore-postgres",
        "toktok-rs",
    ),
)
HAYSTACK = Environment("haystack", ("haystack-ai", "pgvector-haystack", "psycopg[binary]", "tiktoken"))
CHONKIE = Environment("chonkie", ("chonkie", "tiktoken", "toktok-rs"))
SEMANTIC = Environment("semantic_text_splitter", ("semantic-text-splitter", "toktok-rs"))
DLT = Environment("dlt", ("dlt[postgres,filesystem]", "langchain-text-splitters", "toktok-rs"))
DLT_ARROW = Environment("dlt_arrow", ("dlt[postgres]", "pyarrow", "adbc-driver-postgresql"))
"""Apart from dlt's other cases, which would import pyarrow as well."""
ALL = (LANGCHAIN, LLAMA_INDEX, HAYSTACK, CHONKIE, SEMANTIC, DLT, DLT_ARROW)


def install_all() -> dict[str, str]:
    """Install all of them, and return why those that couldn't be are missing."""
    missing = {}
    for environment in ALL:
        print(f"installing {environment.name} ...", flush=True)
        if reason := environment.install():
            missing[environment.name] = reason
            print(f"{environment.name} can't be installed: {reason}", flush=True)
    return missing


def vocabulary() -> Path | None:
    """Return the folder of the vocabulary that tiktoken would fetch; LlamaIndex' package holds a copy."""
    found = LLAMA_INDEX.folder.glob(f"**/tiktoken_cache/{_VOCABULARY}")
    return next((path.parent for path in found), None)


def variables() -> dict[str, str]:
    """Return the environment variables for the peers: nothing is fetched, and nothing is sent anywhere."""
    nowhere = "http://127.0.0.1:9"
    found = vocabulary()
    return {
        **os.environ,
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "DO_NOT_TRACK": "1",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "LANGSMITH_TRACING": "false",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        **({"TIKTOKEN_CACHE_DIR": str(found)} if found else {}),
    }
