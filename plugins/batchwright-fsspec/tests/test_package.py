"""The plugin uses what batchwright offers to everyone, and its README says all that there is."""

from __future__ import annotations

from pathlib import Path

import batchwright_fsspec
import pytest

from batchwright import AnySource, PluginManager
from batchwright.testing.imports import private_imports

README = Path(__file__).parents[1] / "README.md"
SOURCES = batchwright_fsspec.register_sources()


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_fsspec.__file__).parent, Path(__file__).parent]) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_readme_tells_schemes_options_and_defaults(source: type[AnySource]) -> None:
    text = README.read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [scheme for scheme in source.schemes if f"`{scheme}://" not in text] == []
    for name, info in source.options_type.model_fields.items():
        described = [row for row in rows if row.startswith(f"| `{name}` ")]
        assert described or name == "url", f"no row for {name}"
        if isinstance(info.default, bool):
            assert any(f"`{str(info.default).lower()}`" in row for row in described), f"no default of {name}"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/docs/", "s3"),
        ("S3://bucket/a?x=[1]#2.md", "s3"),
        ("gs://bucket/docs", "gcs"),
        ("abfs://container/docs", "azure"),
        ("https://example.org/a.md?X-Amz-Signature=x&key=1&token=2", "http"),
        ("sftp://me:secret@host/docs", "fsspec"),
    ],
)
def test_the_scheme_of_a_url_picks_the_source_and_the_url_stays_whole(url: str, name: str) -> None:
    source = PluginManager.load().make_source(url)
    assert source.name == name
    assert source.options.url.get_secret_value() == url


def test_options_stand_in_the_url() -> None:
    source = PluginManager.load().make_source("s3://bucket/what?x=1.md&anon=true&at_once=4")
    assert source.options.url.get_secret_value() == "s3://bucket/what?x=1.md"
    assert (source.options.anon, source.limits.at_once) == (True, 4)
