"""A file that is asked for by its key is one that would be listed."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.documents import Selection


def test_nothing_outside_the_folder_is_found_by_its_key(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.md").write_text("a")
    (tmp_path / "secret.md").write_text("secret")
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (inside / "near.md").symlink_to(inside / "a.md")
    source = FilesSource(FilesOptions(url=SecretStr(inside.as_uri())))
    found = {key: source.item(key) for key in ("a.md", "near.md", "link.md", "../secret.md", "gone.md")}
    assert [key for key, item in found.items() if item] == ["a.md", "near.md"]
    source.selection = Selection(follow_symlinks=True)
    assert source.item("link.md")
    assert not source.item("../secret.md")
