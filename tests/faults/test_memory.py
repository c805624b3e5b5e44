"""Memory does not grow with the input: ten times as much takes no more than 1.2 times the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import SOURCE
from tests.support.corpus import write_megabytes

# ru_maxrss of children counts the largest of them: the reading processes are in it
_PROGRAM = """
import resource, subprocess, sys
command = [sys.executable, "-m", "batchwright", *sys.argv[1:]]
code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
unit = 1 if sys.platform == "darwin" else 1024
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit)
"""


def _peak(folder: Path, corpus: Path, *options: str) -> int:
    """Return the bytes that loading the corpus takes at most."""
    # with a full-text index the writer is slower than the reader, so that the buffer between them fills
    target = f"sqlite:///{folder}/{corpus.name}.db"
    command = [sys.executable, "-c", _PROGRAM, "run", str(corpus), "--to", target, "-q", *options]
    said = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    code, peak = said.stdout.split()
    assert code == "0", said.stderr
    return int(peak)


def _compare(folder: Path, seed: int, megabytes: int, times: int, *choices: tuple[str, ...]) -> None:
    small = write_megabytes(folder / "small", seed, megabytes)
    large = write_megabytes(folder / "large", seed, megabytes * times)
    for options in choices:
        peaks = [_peak(folder, corpus, *options) for corpus in (small, large)]
        again = [_peak(folder, corpus, *options) for corpus in (small, large)]  # nothing changed
        print([f"{peak / 2**20:.0f} MiB" for peak in (*peaks, *again)])
        for first, second in (peaks, again):
            assert second <= 1.2 * first
        for corpus in (small, large):
            (folder / f"{corpus.name}.db").unlink()


def test_memory_is_flat_in_the_input(tmp_path: Path, seed: int) -> None:
    _compare(tmp_path, seed, 16, 3, ())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_is_flat_in_ten_times_the_input(tmp_path: Path, seed: int) -> None:
    _compare(tmp_path, seed, 20, 10, (), ("--batch-size", "1000"), ("--batch-size", "32"))


_LOADING = """
import resource, sys
from dataclasses import dataclass
from batchwright import BatchConfig, BatchProcessor

@dataclass
class Item:
    id: int
    name: str

count, target = int(sys.argv[1]), sys.argv[2]
items = (Item(number * 7919 % 10_000_019, f"item {number}") for number in range(count))
processor = BatchProcessor(BatchConfig(to=target, batch_size=1000, reporters=()))
assert processor.load(items, prune=True).account.documents.added == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_is_flat_in_the_records_of_a_program(tmp_path: Path) -> None:
    peaks = []
    for count in (40_000, 160_000):
        command = [sys.executable, "-c", _LOADING, str(count), f"sqlite:///{tmp_path}/{count}.db"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
        assert said.returncode == 0, said.stderr
        peaks.append(int(said.stdout))
    print([f"{peak / 2**20:.0f} MiB" for peak in peaks])
    assert peaks[1] <= 1.25 * peaks[0]  # the file of the keys is in memory up to 8 MiB
