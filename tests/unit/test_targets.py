"""Targets that are files or folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from batchwright import ConfigError, SinkOptions
from batchwright.sinkkit.local_path import local_path


class Options(SinkOptions):
    indent: int = 1
    schema_name: str = Field(default="main", alias="schema")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("x:///kb", "kb"),
        ("X:///a%20b/kb%23", "a b/kb#"),
        ("x:////data/kb", "/data/kb"),
        ("x:///größe", "größe"),
        ("x:///kb:memory:", "kb:memory:"),
    ],
)
def test_a_path_is_absolute_or_counts_from_the_working_directory(url: str, path: str) -> None:
    assert local_path(url, Options, "kb", reserved=(":memory:",)) == Path.cwd() / path


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("x:///", "names no folder; write x:///relative/kb or x:////absolute/kb"),
        ("x:///a%00b", "names no folder"),
        ("x://me:hunter22@host/kb", "a target of x names a folder, not a host"),
        ("x:///kb?tabel=hunter22", r"unknown parameters \(tabel\); known are indent, schema"),
        ("x:///kb#hunter22", "%23"),
        ("x:///kb#", "%23"),
        ("x:///%ff", "UTF-8"),
        ("x://[hunter22/kb", "can't be read"),
        ("x:///:memory:", "must be a folder, since several connections"),
    ],
)
def test_what_names_no_path_is_a_mistake_in_the_settings(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        local_path(url, Options, "kb", kind="folder", reserved=(":memory:",))
    assert "hunter22" not in str(caught.value)
