"""Which options there are, which are refused, and that none shows a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import batchwright_openai
import pytest
from batchwright_openai import OpenAIEmbedder, OpenAIOptions

from batchwright import ConfigError, PluginManager
from batchwright.testing.imports import private_imports

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "api.openai.com/v1"}, "not a URL"),
        ({"base_url": "ftp://host/v1"}, "not a URL"),
        ({"base_url": "https://host:x/v1"}, "not a URL"),
        ({"base_url": "https://me:hunter2@host/v1"}, "api_key"),
        ({"base_url": "https://host/v1?key=hunter2"}, "leave out"),
        ({"base_url": "http://host/v1", "dimensions": 3}, "allow_http"),
        ({"base_url": "http://127.0.0.1.evil.example/v1"}, "allow_http"),
        ({"base_url": "http://localhost.evil.example/v1"}, "allow_http"),
        ({"model": "bge-small"}, "say its dimensions"),
        ({"model": ""}, "model"),
        ({"api_key": "hunter2", "api_key_env": "X"}, "one of api_key"),
        ({"extra_body": {"input": ["x"]}}, "input is no extra"),
        ({"query_extra_body": {"model": "x"}}, "model is no extra"),
        ({"texts": 2049}, "texts"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimension": 3}, "dimensions"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        OpenAIOptions(**options)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/v1/", "http://127.0.0.1/v1", "http://[::1]:80/v1", "https://host/v1"]
)
def test_http_is_for_this_machine_alone(url: str) -> None:
    assert OpenAIOptions(base_url=url).base_url == url.rstrip("/")
    assert OpenAIOptions(base_url="http://host/v1", allow_http=True).is_local is False


def test_no_secret_is_shown() -> None:
    options = OpenAIOptions.model_validate({"api_key": "hunter2", "secret_headers": {"X": "sesame"}})
    embedder = OpenAIEmbedder(options)
    shown = (
        f"{options!r} {options} {options.model_dump()} {options.model_dump_json()} {embedder!r} {embedder}"
    )
    assert "hunter2" not in shown
    assert "sesame" not in shown


def test_the_embedder_is_found_by_its_name() -> None:
    assert PluginManager.load().offered("embedder")["openai"] is OpenAIEmbedder


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_openai.__file__).parent, Path(__file__).parent]) == []


def test_the_readme_tells_options_and_defaults() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")]
    for name, info in OpenAIOptions.model_fields.items():
        described = [row for row in rows if row.startswith(f"| `{name}` ")]
        assert len(described) == 1, f"no row for {name}, or two"
        if isinstance(info.default, bool):
            assert f"`{str(info.default).lower()}`" in described[0]
        elif isinstance(info.default, int | float):
            assert f"| {info.default:,.0f} |" in described[0]
        elif isinstance(info.default, str) and info.default:
            assert f"`{info.default}`" in described[0]
