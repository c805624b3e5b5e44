"""Discovery: what matches, in which order, and what becomes of things that can't be read."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchwright.documents import LeftOutCounts, Selection, discover
from batchwright.documents.files import open_file
from batchwright.documents.globs import compile_globs
from batchwright.errors import ConfigError, DocumentError
from batchwright.items import Item
from batchwright.model import Omission


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def names(found: Iterable[Item]) -> list[str]:
    return [item.key for item in found]


def test_files_come_in_the_order_of_their_whole_paths(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a/z.md",
        "a-b.md",
        "a.md",
        "a/b/c.md",
        "a0.md",
        "Z.md",
        "é.md",
        "中/x.md",
        "😀.md",
        "\uff21.md",
    )
    found = names(discover(tmp_path))
    assert found == sorted(found)
    assert found[:5] == ["Z.md", "a-b.md", "a.md", "a/b/c.md", "a/z.md"]
    assert len(found) == 10


@given(
    st.sets(st.text(alphabet="ab-.0é", min_size=1, max_size=3), max_size=6), st.randoms(use_true_random=False)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_is_yielded_in_byte_order(
    tmp_path_factory: pytest.TempPathFactory, parts: set[str], rng: object
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for part in parts - {".", ".."}:
        make(root, f"x{part}/f.md", f"x{part}.md", f"x{part}/x{part}/g.md")
    found = [name.encode() for name in names(discover(root))]
    assert found == sorted(found)
    assert len(found) == 3 * len(parts - {".", ".."})


def counted(root: Path, **settings: Any) -> dict[str, int]:
    left_out = LeftOutCounts()
    list(discover(root, Selection(left_out=left_out, **settings)))
    return dict(left_out.counts)


def test_only_matching_names_are_found_and_their_sizes_given(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.markdown", "c.txt", "d.MD", "sub/e.mdx")
    assert [(f.key, f.size, f.handle) for f in discover(tmp_path)] == [
        ("a.md", 4, str(tmp_path / "a.md")),
        ("b.markdown", 10, str(tmp_path / "b.markdown")),
        ("d.MD", 4, str(tmp_path / "d.MD")),
        ("sub/e.mdx", 9, str(tmp_path / "sub/e.mdx")),
    ]


def test_files_that_are_left_out_are_counted_by_their_ending(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.PNG", "c/d.png", "c/e.tar.gz", "Makefile", "x.a-very-long-ending", "p.MD")
    assert counted(tmp_path, patterns=["a.md", "*.gz"]) == {
        "no reader: .png": 2,
        "no reader: no ending": 1,
        "no reader: other endings": 1,
        "outside the patterns: .md": 1,
    }


def test_however_many_endings_there_are_the_count_stays_small(tmp_path: Path) -> None:
    make(tmp_path, *(f"a.{number}" for number in range(300)))
    found = counted(tmp_path)
    assert len(found) <= 101
    assert sum(found.values()) == 300


def test_hidden_and_excluded_names_are_counted(tmp_path: Path) -> None:
    make(
        tmp_path,
        ".env",
        ".git/a.md",
        "old/a.md",
        "b.md",
        "x/node_modules/c/d.md",
        "venv/e.md",
        "f.md",
        "venv.md",
    )
    assert counted(tmp_path, exclude=["old", "b.md"]) == {
        "hidden file": 1,
        "hidden folder": 1,
        "excluded folder": 3,
        "excluded file": 1,
    }
    assert names(discover(tmp_path)) == ["b.md", "f.md", "old/a.md", "venv.md"]
    everything = names(discover(tmp_path, Selection(default_excludes=False)))
    assert everything == ["b.md", "f.md", "old/a.md", "venv.md", "venv/e.md", "x/node_modules/c/d.md"]


def test_the_first_of_each_reason_are_named(tmp_path: Path) -> None:
    make(tmp_path, "a.png", ".b/c.md", *(f"{number:03}.css" for number in range(30)))
    left_out = LeftOutCounts()
    list(discover(tmp_path, Selection(left_out=left_out)))
    assert Omission("no reader: .png", "a.png") in left_out.named
    assert Omission("hidden folder", ".b/") in left_out.named
    assert sum(reason == "no reader: .css" for reason, *_ in left_out.named) == 20
    assert left_out.counts["no reader: .css"] == 30


def test_hidden_names_are_found_only_when_asked_for(tmp_path: Path) -> None:
    make(tmp_path, ".a.md", ".git/b.md", "c.md")
    assert names(discover(tmp_path)) == ["c.md"]
    assert names(discover(tmp_path, Selection(hidden=True))) == [".a.md", ".git/b.md", "c.md"]


def test_excluded_folders_are_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "build/a.md", "docs/build/b.md", "docs/c.md", "docs/old/d.md")
    assert names(discover(tmp_path, Selection(exclude=["build", "docs/old/**"]))) == ["docs/c.md"]
    assert names(discover(tmp_path, Selection(exclude=["docs/"]))) == ["build/a.md"]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.md", "a/b/c.md", True),
        ("**/*.md", "c.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/x/a.md", False),
        ("docs/*.md", "more/docs/a.md", False),
        ("/a.md", "a.md", True),
        ("/a.md", "x/a.md", False),
        ("./docs/**", "docs/x/y", True),
        ("docs/**/a.md", "docs/a.md", True),
        ("docs/**/a.md", "docs/x/y/a.md", True),
        ("a?.md", "ab.md", True),
        ("a?b", "a/b", False),
        ("[ab].md", "b.md", True),
        ("[!ab].md", "b.md", False),
        ("x[!a]y", "x/y", False),
        ("[a.md", "[a.md", True),
        ("[]].md", "].md", True),
        ("a.md", "aXmd", False),
        ("*.MD", "a.md", False),
        ("a**b.md", "aXb.md", True),
        ("build/", "x/build/", True),
        ("build/", "build", False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert bool(compile_globs([pattern])(path)) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.md", "a/README.MD", True),
        ("*.MD", "a.md", True),
        ("Docs/*.md", "docs/a.md", False),
        ("README.md", "README.Md", True),
        ("README.md", "readme.md", False),
        ("*", "a.MD", True),
        ("*.[m]d", "a.MD", False),
    ],
)
def test_endings_match_in_any_case_where_that_is_asked_for(pattern: str, path: str, matches: bool) -> None:
    assert bool(compile_globs([pattern], endings_in_any_case=True)(path)) is matches


def test_no_patterns_match_nothing() -> None:
    assert not compile_globs([])("a.md")


@pytest.mark.parametrize("pattern", ["", "/", "./"])
def test_an_empty_pattern_is_refused_at_once(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        discover(tmp_path, Selection(patterns=[pattern]))


def test_links_are_followed_inside_of_the_folder_and_elsewhere_only_when_asked(tmp_path: Path) -> None:
    make(tmp_path, "in/real/a.md", "in/notes.txt", "out/b.md", "input/c.md")
    inside = tmp_path / "in"
    (inside / "far.md").symlink_to(tmp_path / "out/b.md")
    (inside / "beside.md").symlink_to(tmp_path / "input/c.md")  # its path begins like the folder's
    (inside / "near.md").symlink_to("real/a.md")
    (inside / "twice.md").symlink_to("near.md")
    (inside / "text.md").symlink_to("notes.txt")
    (inside / "round.md").symlink_to(tmp_path / "out/back.md")
    (tmp_path / "out/back.md").symlink_to(inside / "real/a.md")
    (inside / "linked").symlink_to(tmp_path / "out")
    (inside / "again").symlink_to("real")
    (tmp_path / "given").symlink_to("in")
    for root in (inside, tmp_path / "given"):
        assert names(discover(root)) == ["near.md", "real/a.md", "round.md", "text.md", "twice.md"]
        assert counted(root) == {"link not followed": 4, "no reader: .txt": 1}
    assert len(names(discover(inside, Selection(follow_symlinks=True)))) == 10
    assert counted(inside, follow_symlinks=True) == {"no reader: .txt": 1}


def test_what_belongs_to_the_system_is_not_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "users.md").symlink_to("/etc/passwd")
    (tmp_path / "secrets.md").symlink_to("/proc/self/environ")
    (tmp_path / "root").symlink_to("/")
    assert not list(discover(tmp_path))
    assert counted(tmp_path) == {"link not followed": 3}


def test_a_file_that_becomes_a_link_after_it_was_found_is_not_read(tmp_path: Path) -> None:
    make(tmp_path, "in/a.md", "in/real.md", "secret")
    (tmp_path / "in/linked.md").symlink_to("real.md")
    found = {item.key: item for item in discover(tmp_path / "in")}
    for name, link in (("a.md", "a.md"), ("linked.md", "real.md")):
        (tmp_path / "in" / link).unlink()
        (tmp_path / "in" / link).symlink_to(tmp_path / "secret")
        with pytest.raises(DocumentError, match="it has become a symbolic link; run again"):
            open_file(found[name].handle, found[name].key)


def test_a_link_to_a_folder_around_it_is_cut(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c.md")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/top").symlink_to(tmp_path)
    (tmp_path / "self.md").symlink_to("self.md")
    found = list(discover(tmp_path, Selection(follow_symlinks=True)))
    assert [item.key for item in found] == ["a/b/c.md", "self.md"]
    assert found[1].error is not None
    assert counted(tmp_path, follow_symlinks=True) == {"link not followed": 2}


def only(found: Iterable[Item]) -> Item:
    (item,) = found
    return item


def test_a_broken_link_is_an_error_of_that_document(tmp_path: Path) -> None:
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    found = only(discover(tmp_path))
    assert found.error == "it is a broken symbolic link; fix or remove it"


def test_pipes_and_sockets_are_errors_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    os.mkfifo(tmp_path / "pipe.txt")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock.md")
        found = list(discover(tmp_path))
    assert [(item.key, item.error) for item in found] == [
        ("pipe.md", "it isn't a regular file; exclude it"),
        ("sock.md", "it isn't a regular file; exclude it"),
    ]


def test_a_name_that_is_not_utf8_is_an_error_with_a_printable_name(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    found = only(discover(tmp_path))
    assert found.key == "caf\\xe9.md"
    assert found.error == "its name isn't UTF-8; rename it"


def test_a_folder_that_cannot_be_listed_is_an_error_and_the_rest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.md", "locked/b.md", "z.md")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(discover(tmp_path))
    assert [item.key for item in found] == ["a.md", "locked", "z.md"]
    assert found[1].error is not None
    assert "can't be listed (Permission denied)" in found[1].error


def test_an_input_directory_that_vanished_is_one_error(tmp_path: Path) -> None:
    found = only(discover(tmp_path / "gone"))
    assert (found.key, found.error) == (".", f"nothing is at {tmp_path / 'gone'} any more")


@pytest.mark.parametrize("is_there", [True, False])
def test_what_vanishes_while_a_directory_is_read_is_no_error_unless_all_of_it_does(
    tmp_path: Path, is_there: bool
) -> None:
    root = tmp_path / "in"
    for name in ("a/a.md", "b/b.md", "c.md", "d.md", "e.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = discover(root)
    first = next(found)
    if is_there:
        shutil.rmtree(root / "b")
        (root / "c.md").unlink()
    else:
        root.rename(tmp_path / "elsewhere")
        root.mkdir()
    rest = [(item.key, item.error is None) for item in found]
    assert (first.key, first.error) == ("a/a.md", None)
    gone = [("b", False), ("c.md", False), ("d.md", False), ("e.md", False)]
    assert rest == ([("d.md", True), ("e.md", True)] if is_there else gone)


def test_a_folder_of_great_depth_needs_no_recursion(tmp_path: Path) -> None:
    folders = [tmp_path]
    for _ in range(1100):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    document = folders[-1] / "a.md"
    document.touch()
    try:
        assert only(discover(tmp_path)).key == "d/" * 1100 + "a.md"
    finally:
        document.unlink()
        for folder in reversed(folders[1:]):  # pytest's own removal is recursive
            folder.rmdir()


def test_a_selection_that_was_used_can_be_sent_to_another_process() -> None:
    selection = Selection(exclude=["b.md"])
    assert selection.takes("a.md")
    copy = pickle.loads(pickle.dumps(selection))
    assert [key for key in ("a.md", "b.md", "c.txt") if copy.takes(key)] == ["a.md"]


def test_the_locale_does_not_change_names(tmp_path: Path) -> None:
    """A locale of ASCII is one in which Python has no letters for the bytes of others."""
    (tmp_path / "caf\u00e9.md").write_text("# Fruit")
    code = (
        "import sys\nfrom batchwright.documents import discover as d\nprint(ascii([*d(sys.argv[1])][0].key))"
    )
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == r"'caf\xe9.md'"
