"""Standard input: read once, kept in a file as long as it is needed, and never mistaken for nothing."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from batchwright import ConfigError, Item, PluginManager
from batchwright.builtin.files.stdin import StdinOptions, StdinSource
from batchwright.documents import Selection
from batchwright.errors import SourceError


class Piped:
    """What `sys.stdin` is."""

    closed = False

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        self.buffer = io.BytesIO(data)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def source_of(*patterns: str, **options: Any) -> StdinSource:
    source = StdinSource(StdinOptions.model_validate({"url": "stdin:-", **options}))
    source.selection = Selection(patterns or ("*.csv",))
    return source


def content(source: StdinSource, item: Item) -> bytes:
    opened = source.fetch(item).open
    assert callable(opened)
    with opened() as stream:
        return stream.read()


def test_it_is_one_item_that_may_be_listed_and_fetched_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(3_000_000)
    monkeypatch.setattr(sys, "stdin", Piped(data))
    source = source_of()
    for _ in range(2):
        [item] = source.list()
        assert (item.key, item.size, item.error) == ("stdin.csv", len(data), None)
        assert content(source, item) == content(source, item) == data
    [kept] = folder.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    source.close()
    source.close()
    assert list(folder.iterdir()) == []


def test_its_file_goes_with_it_where_nobody_closes_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"x"))
    source = source_of()
    assert len(list(source.list())) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # from Python 3.12 on
        del source
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("patterns", "key"),
    [
        (("*.csv",), "stdin.csv"),
        (("**/*.jsonl", "*.jsonl"), "stdin.jsonl"),
        (("day-*.csv.gz",), "stdin.csv.gz"),
    ],
)
def test_its_key_has_the_ending_of_the_patterns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, patterns: tuple[str, ...], key: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"x"))
    source = source_of(*patterns)
    assert [item.key for item in source.list()] == [key]
    assert [item.key for item in source.list(after=key)] == []
    assert [item.key for item in source.list(until="a")] == []
    source.close()


@pytest.mark.parametrize("patterns", [("*.md", "*.csv"), ("*",), ("notes",)])
def test_without_a_single_ending_it_is_asked_for_before_anything_is_read(
    patterns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = Piped(b"x")
    monkeypatch.setattr(sys, "stdin", piped)
    with pytest.raises(ConfigError, match=r"--pattern '\*\.csv'"):
        list(source_of(*patterns).list())
    assert piped.buffer.tell() == 0


def test_an_option_names_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"x"))
    source = source_of("*", item="orders.csv")
    assert [item.key for item in source.list()] == ["orders.csv"]
    source.close()


def test_an_empty_input_is_an_error_and_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b""))
    with pytest.raises(SourceError, match="standard input is empty"):
        list(source_of().list())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("piped", [None, Piped(b"x", terminal=True)])
def test_a_terminal_is_not_read(piped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", piped)
    source = source_of()
    with pytest.raises(SourceError, match="nothing is piped"):
        source.probe()
    with pytest.raises(SourceError, match="nothing is piped"):
        list(source.list())


def test_it_can_be_sent_elsewhere_though_not_what_it_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"x"))
    source = source_of()
    [item] = source.list()
    copy = pickle.loads(pickle.dumps(source))
    assert content(copy, pickle.loads(pickle.dumps(item))) == b"x"
    source.close()


def test_it_says_where_it_comes_from_and_needs_a_collection() -> None:
    source = PluginManager.load().make_source("stdin:-", {"stdin": {"item": "a.csv"}})
    assert (source.origin(), source.collection_name()) == ("stdin", None)


def test_a_command_that_waits_for_its_input_ends_when_it_is_told_to(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "batchwright",
        "run",
        "-",
        "--pattern",
        "*.md",
        "--collection",
        "c",
        "-v",
    ]
    pipe, environ = subprocess.PIPE, {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        end = time.monotonic() + 60
        while not [*tmp_path.glob("batchwright-stdin-*")]:
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
        assert process.stderr is not None
        told = process.stderr.read().decode()
        assert (process.returncode, "stopped while its source was listed" in told) == (143, True), told
        assert "Fatal" not in told
    assert not [*tmp_path.glob("batchwright-stdin-*")]
