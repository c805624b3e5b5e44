"""Runs that overlap exactly as a test wants it, and what must be true of the target afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor, RunResult
from tests.support.command import Command, Ended, command
from tests.support.tables import TABLE, published, rows
from tests.support.targets import Target

PLUGIN = Path(__file__).with_name("gate.py")
CHUNK_TOKENS = 24
Visible = dict[str, list[tuple[int, str]]]


def write_document(path: Path, chunks: int, word: str = "word") -> Path:
    """Write a document of so many chunks, of more where they are of fewer tokens than `CHUNK_TOKENS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(f"## Part {n}\n\n{word} {n} {'lorem ipsum ' * 4}.\n" for n in range(chunks)))
    return path


def load(folder: Path, url: str) -> RunResult:
    """Run alone, in this process, which is quicker; check that it gets done."""
    config = BatchConfig(input_dir=folder, to=url, chunk_max_tokens=CHUNK_TOKENS, reporters=())
    result = BatchProcessor(config).run()
    assert result.state == "done", result.reason
    assert result.account.documents.failed == 0
    return result


class GatedRun(Command):
    """A run that waits before batch `at` until it is released."""

    def __init__(
        self,
        folder: Path,
        url: str,
        gate: Path,
        *arguments: str,
        at: int = 3,
        size: int = 5,
    ) -> None:
        gate.mkdir()
        self._gate = gate
        environ = {"GATE": str(gate), "GATE_AT": str(at), "GATE_SIZE": str(size)}
        options = ["--to", url, "-q", "--chunk-max-tokens", str(CHUNK_TOKENS), "--plugin", str(PLUGIN)]
        super().__init__(["run", str(folder), *options, *arguments], folder.parent, environ)

    def reached(self) -> None:
        """Wait until it waits."""

        def there() -> bool:
            assert self.process.poll() is None, f"it ended before its gate: {self.ended()}"
            return (self._gate / "reached").exists()

        wait_until(there, "the run has reached its gate")

    def release(self) -> None:
        """Let it go on."""
        (self._gate / "open").touch()

    def released(self) -> Ended:
        """Let it go on, to its end."""
        self.release()
        return self.ended()


def wait_until(true: Callable[[], bool], what: str, timeout: float = 30) -> None:
    """Wait until something is true; fail when it doesn't become so in time."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.01)


def undisturbed(target: Target, folder: Path) -> Visible:
    """Return what a run of the folder alone makes visible."""
    url = target.fresh()
    load(folder, url)
    found = published(url)
    target.drop(url)
    return found


def check_outcome(ended: Ended, url: str, expected: Visible) -> None:
    """Check that the run did what it says: all is there, or it failed and says so."""
    if ended.code == 0:
        missing = differences(published(url), expected)
        assert not missing, f"exit code 0, and rows are missing: {missing}"
    else:
        assert ended.code == 1, ended
        assert ended.err.strip(), "it failed without a word"


def check_at_rest(url: str, folder: Path, expected: Visible) -> None:
    """Check that one more run heals what failed, that then all is there, sound, and nothing besides."""
    load(folder, url)
    missing = differences(published(url), expected)
    assert not missing, f"a run alone doesn't heal it: {missing}"
    check_sound(url, folder.parent)
    assert load(folder, url).account.documents.unchanged == len(list(folder.rglob("*.md")))


def check_sound(url: str, cwd: Path) -> None:
    """Check that verify finds nothing, that nothing is begun, and that every row is a document's."""
    check_verified(url, cwd)
    assert rows(url, f"{TABLE}_pending") == [], "a version is begun that nobody will finish"
    check_no_orphans(url)


def check_verified(url: str, cwd: Path) -> None:
    """Check that verify finds nothing: rows of a version that was begun are none of its business."""
    verified = command("verify", "--to", url, "--json", cwd=cwd)
    assert verified.code == 0, verified.out


def check_no_orphans(url: str) -> None:
    """Check that every row belongs to a version that is published or begun."""
    versions: dict[str, set[str]] = {}
    for suffix, column in (("documents", ""), ("pending", ""), ("records", "_")):
        versions[suffix] = {row[f"{column}document_id"] for row in rows(url, f"{TABLE}_{suffix}")}
    left = versions["records"] - versions["documents"] - versions["pending"]
    assert not left, f"rows of {len(left)} versions that the ledger does not know"


def differences(found: Visible, expected: Visible) -> list[str]:
    """Say which of the expected documents aren't visible as they should be."""
    return [
        f"{name}: {len(set(found.get(name, [])) & set(chunks))} of {len(chunks)} rows"
        for name, chunks in expected.items()
        if found.get(name) != chunks
    ]
