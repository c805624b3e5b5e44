"""Zip archives: their members as items, whatever program or attacker made them."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from batchwright import Item
from batchwright.builtin.files.archive import Archive
from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.documents import Selection, decompressed
from batchwright.errors import DocumentError, SourceError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.zip"


def pack(path: Path, members: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def info(name: str, **values: Any) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, (2026, 3, 4, 10, 0, 0))
    made.create_system = 3
    for field, value in values.items():
        setattr(made, field, value)
    return made


def source_of(path: Path, **selection: Any) -> FilesSource:
    source = FilesSource(FilesOptions.model_validate({"url": path.as_uri()}))
    source.selection = Selection(**{"patterns": ["*"], **selection})
    return source


def listed(path: Path, **selection: Any) -> list[Item]:
    return list(source_of(path, **selection).list())


def content(source: FilesSource, item: Item) -> bytes:
    opened = source.fetch(item).open
    assert callable(opened)
    with opened() as stream:
        return stream.read()


def test_members_are_items_in_the_order_of_their_names(path: Path) -> None:
    pack(path, {"b.md": "two", "a/c.md": "three", "a.md": "one", "a/": "", "é.md": "four"})
    source = source_of(path)
    items = list(source.list())
    assert [(item.key, item.size) for item in items] == [("a.md", 3), ("a/c.md", 5), ("b.md", 3), ("é.md", 4)]
    assert [content(source, item) for item in items] == [b"one", b"three", b"two", b"four"]
    assert [item.key for item in source.list(after="a.md", until="b.md")] == ["a/c.md", "b.md"]
    assert source.item("b.md") == items[2]
    assert source.item("c.md") is None
    assert source.collection_name() == "notes"
    source.close()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_usual_method_is_unpacked(path: Path, method: int, seed: int) -> None:
    text = random.Random(seed).randbytes(300_000)
    pack(path, {"a.md": text}, method)
    source = source_of(path)
    [item] = source.list()
    assert content(source, item) == text


def test_patterns_select_members_and_count_the_rest(path: Path) -> None:
    pack(path, {"a.md": "", "b.png": "", "__MACOSX/._a.md": "", "venv/c.md": "", "d.md": ""})
    source = source_of(path, patterns=["*.md"], exclude=["d.*"])
    assert [item.key for item in source.list()] == ["a.md"]
    assert source.selection.left_out.counts == {"no reader: .png": 1, "hidden file": 1, "excluded file": 2}


def test_a_compressed_member_is_a_member_to_decompress(path: Path) -> None:
    pack(path, {"a.md.gz": gzip.compress(b"# Tea")})
    source = source_of(path)
    [item] = source.list()
    with decompressed(io.BytesIO(content(source, item)), item.key) as stream:
        assert stream.read() == b"# Tea"


def test_a_member_has_a_fingerprint_that_changes_with_its_content(path: Path) -> None:
    def fingerprints(**members: str) -> dict[str, str]:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in members.items():
                archive.writestr(info(name), text)
        return {item.key: item.fingerprint for item in listed(path)}

    before = fingerprints(a="one", b="two")
    assert fingerprints(b="two", a="one") == before
    after = fingerprints(a="one", b="TWO")
    assert (after["a"], after["b"] != before["b"]) == (before["a"], True)


def test_what_was_fetched_is_told_from_what_was_listed(path: Path) -> None:
    pack(path, {"a.md": "one", "b.md": "two"})
    first, second = listed(path)
    pack(path, {"a.md": "ONE"})
    other = source_of(path)  # as in another process
    assert content(other, first) == b"ONE"
    assert other.fetch(first).fingerprint != first.fingerprint
    with pytest.raises(FileNotFoundError):
        other.fetch(second)


def test_of_two_members_with_one_name_the_last_counts_as_in_unpacking(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("./a.md", "old")
        archive.writestr("a.md", "new")
    source = source_of(path)
    [item] = source.list()
    assert content(source, item) == b"new"


@pytest.mark.parametrize("name", ["../a.md", "a/../../b.md", "/etc/a.md", "..\\a.md"])
def test_a_name_that_leads_out_is_an_error_of_that_member_alone(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(name, create_system=0), "out")
        archive.writestr("in.md", "in")
    items = {item.key: item.error for item in listed(path, patterns=["*.md"])}
    assert items.pop("in.md") is None
    [(key, error)] = items.items()
    assert key == name.replace("\\", "/")
    assert "leads out of the archive" in str(error)


@pytest.mark.parametrize(
    ("written", "system", "key"),
    [
        ("a\\b.md", 0, "a/b.md"),
        ("a\\b.md", 3, "a\\b.md"),
        ("./a//b.md", 3, "a/b.md"),
        ("a\nb.md", 3, "a\nb.md"),
        ("\U0001f600.md", 3, "\U0001f600.md"),
    ],
)
def test_names_are_read_as_the_system_wrote_them(path: Path, written: str, system: int, key: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(written, create_system=system), "x")
    assert [item.key for item in listed(path)] == [key]


def test_a_name_in_utf8_that_does_not_say_so_is_read_all_the_same(path: Path) -> None:
    pack(path, {"tee-ü.md": "x", "plain.md": "y"}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    flag = 0x800.to_bytes(2, "little")
    path.write_bytes(data.replace(b"\x14\x00" + flag, b"\x14\x00\0\0"))
    with zipfile.ZipFile(path) as archive:
        assert "tee-ü.md" not in archive.namelist()
    source = source_of(path)
    items = list(source.list())
    assert [item.key for item in items] == ["plain.md", "tee-ü.md"]
    assert content(source, items[1]) == b"x"


def test_a_nul_in_a_name_is_shown(path: Path) -> None:
    pack(path, {"a_b.md": "x"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"a_b.md", b"a\0b.md"))
    assert [item.key for item in listed(path)] == ["a\\x00b.md"]


def test_a_link_is_left_out_and_a_device_is_an_error(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info("link.md", external_attr=(stat.S_IFLNK | 0o777) << 16), "/etc/passwd")
        archive.writestr(info("pipe.md", external_attr=(stat.S_IFIFO | 0o600) << 16), "")
        archive.writestr(info("file.md", external_attr=(stat.S_IFREG | 0o600) << 16), "x")
    source = source_of(path)
    assert [(item.key, item.error) for item in source.list()] == [
        ("file.md", None),
        ("pipe.md", "it isn't a regular file; exclude it"),
    ]
    assert source.selection.left_out.counts == {"link not followed": 1}


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [(8, 1, "it is encrypted"), (10, 9, "compressed by method 9"), (10, 250, "compressed by method 250")],
)
def test_what_cannot_be_unpacked_says_so_and_the_rest_is_read(
    path: Path, offset: int, value: int, reason: str
) -> None:
    pack(path, {"a.md": "x", "b.md": "y"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + offset] = value
    path.write_bytes(data)
    first, second = listed(path)
    assert reason in str(first.error)
    assert second.error is None


def test_an_archive_without_members_has_none(path: Path) -> None:
    pack(path, {})
    assert listed(path) == []


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8b", b"\0" * 5_000])
def test_a_file_that_is_no_archive_is_an_error_of_the_source(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"notes\.zip ends in \.zip, but isn't a zip archive"):
        listed(path)


def test_a_folder_may_be_called_zip(tmp_path: Path) -> None:
    folder = tmp_path / "x.zip"
    folder.mkdir()
    (folder / "a.md").write_text("x")
    assert [item.key for item in listed(folder)] == ["a.md"]


def test_damaged_bytes_are_an_error_or_what_they_were(path: Path, seed: int) -> None:
    dice = random.Random(seed)
    members = {f"{number}.md": dice.randbytes(200) * 5 for number in range(8)}
    pack(path, members)
    whole = path.read_bytes()
    said = []
    for _ in range(60):
        data = bytearray(whole)
        data[dice.randrange(4, len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data if dice.random() < 0.8 else data[: dice.randrange(5, len(data))])
        said += unpacked(path, set(members.values()))
    assert len(said) > 10
    known = "damaged", "lie in each other", "isn't", "expands to"
    assert [one for one in said if not any(words in one for words in known)] == []


def unpacked(path: Path, contents: set[bytes]) -> list[str]:
    """Unpack all that can be, check that it is one of these contents, and return what was wrong."""
    source, wrong = source_of(path), []
    try:
        for item in source.list():
            try:
                assert item.error or content(source, item) in contents
            except DocumentError as error:
                wrong.append(error.reason)
    except SourceError as error:
        wrong.append(str(error))
    source.close()
    return wrong


def test_an_archive_made_to_fill_disks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchwright.builtin.files.archive.UNCHECKED", 1_000_000)
    pack(path, {"a.md": bytes(900_000)})
    assert len(listed(path)) == 1
    pack(path, {"a.md": bytes(900_000), "b.md": bytes(900_000)})
    with pytest.raises(SourceError, match="more than 100 times its size"):
        listed(path)


def test_members_that_lie_in_each_other_are_refused(path: Path, seed: int) -> None:
    pack(path, {"a.md": random.Random(seed).randbytes(5_000)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(path, "a") as archive:
        [member] = archive.infolist()
        other = info("b.md", CRC=member.CRC, file_size=5_000, compress_size=5_000, header_offset=0)
        archive.filelist.append(other)
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match="lie in each other"):
        listed(path)


def test_it_is_pickled_without_its_file_and_works_in_a_forked_process(path: Path) -> None:
    pack(path, {f"{number}.md": str(number) for number in range(50)})
    source = source_of(path)
    items = list(source.list())
    copy = pickle.loads(pickle.dumps(Archive(path)))
    assert [item.key for item in copy.list(Selection())] == [item.key for item in items]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, b"".join(content(source, item) for item in items))
        finally:
            os._exit(0)
    assert [content(source, item) for item in items] == [item.key[:-3].encode() for item in items]
    os.close(writing)
    assert os.read(reading, 1_000) == "".join(item.key[:-3] for item in items).encode()
    os.close(reading)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_with_one_name_the_last_counts_and_the_others_are_counted(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (
            ("a.md", "one"),
            ("./a.md", "two"),
            ("a.md", "three"),
            ("b.png", ""),
            ("b.png", ""),
        ):
            archive.writestr(name, text)
    source = source_of(path, patterns=["*.md"])
    [item] = source.list()
    assert content(source, item) == b"three"
    assert source.selection.left_out.counts == {"member replaced by a later one": 2, "no reader: .png": 2}
