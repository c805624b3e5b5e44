"""The built-in classifier, sizer and reporters keep their contracts."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from batchwright import BadRecords, DeadlineExceeded, ErrorRecoveryAction
from batchwright.builtin import classifier, sizing
from batchwright.builtin.logging import JsonFormatter, LoggingReporter
from batchwright.builtin.progress import ProgressOptions, ProgressReporter
from batchwright.contracts.reporter import AnyReporter
from batchwright.testing import Case, ClassifierContract, ReporterContract, SizerContract


class TestBuiltinClassifier(ClassifierContract):
    claims_everything = True

    @pytest.fixture
    def classifier(self) -> object:
        return classifier

    @pytest.fixture
    def cases(self) -> Sequence[Case]:
        return [
            (TimeoutError(), ErrorRecoveryAction.RETRY),
            (ConnectionResetError(), ErrorRecoveryAction.RETRY),
            (DeadlineExceeded("no answer after 1 s"), ErrorRecoveryAction.RETRY),
            (psycopg.errors.DeadlockDetected(), ErrorRecoveryAction.RETRY),
            (psycopg.errors.UntranslatableCharacter(), ErrorRecoveryAction.SKIP),
            (psycopg.errors.UniqueViolation(), ErrorRecoveryAction.FAIL),
            (sqlite3.IntegrityError("UNIQUE"), ErrorRecoveryAction.FAIL),
            (ValueError(), ErrorRecoveryAction.SKIP),
            (BadRecords({0: "no"}), ErrorRecoveryAction.SKIP),
            (RuntimeError(), ErrorRecoveryAction.FAIL),
        ]


class TestBuiltinSizer(SizerContract):
    @pytest.fixture
    def sizer(self) -> object:
        return sizing


class TestLoggingReporter(ReporterContract):
    """Every event is written as a line of JSON, which must stay one line and be JSON."""

    @pytest.fixture
    def stream(self) -> Iterator[io.StringIO]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonFormatter())
        logger = logging.getLogger("batchwright.run")
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        yield stream
        logger.removeHandler(handler)
        logger.setLevel(level)
        for line in stream.getvalue().splitlines():
            assert "event" in json.loads(line)

    @pytest.fixture
    def make_reporter(self, stream: io.StringIO) -> Callable[[], AnyReporter]:
        return LoggingReporter

    @pytest.fixture
    def output(self, stream: io.StringIO) -> Callable[[], str]:
        return stream.getvalue


class TestProgressReporter(ReporterContract):
    """Where stderr is no terminal: plain lines, each event one, to try them all."""

    @pytest.fixture
    def make_reporter(self, capfd: pytest.CaptureFixture[str]) -> Callable[[], AnyReporter]:
        return lambda: ProgressReporter(ProgressOptions(interval=1e-9))

    @pytest.fixture
    def output(self, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
        return _all_of(capfd)


class TestProgressBar(ReporterContract):
    """Where stderr is a terminal: the bar."""

    @pytest.fixture
    def make_reporter(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> Callable[[], AnyReporter]:
        monkeypatch.setattr("batchwright.builtin.progress._is_terminal", lambda: True)
        monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich draw
        return ProgressReporter

    @pytest.fixture
    def output(self, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
        return _all_of(capfd)


def _all_of(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    read: list[str] = []

    def output() -> str:
        read.append(capfd.readouterr().err)
        return "".join(read)

    return output
