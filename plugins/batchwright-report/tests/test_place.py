"""The file: written in one step, and what happens where it can't be."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from pathlib import Path

import pytest
import scenes
from batchwright import Account, BatchwrightError, ConfigError
from batchwright.contracts import events
from reading import Page
from scenes import STARTED, Stage

from batchwright_report import ReportOptions, place

FINISHED = events.RunFinished("r", "done", Account())


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing/run.html", "the folder .*missing is not there; make it first"),
        ("file/run.html", "the folder .*file is no folder"),
        ("folder", "folder is a folder; name the file, as in .*run.html"),
        ("pipe", "is no regular file"),
        ("{collection}/run.html", "only the file's name may hold {collection}"),
        ("", "is a folder"),
        ("-", "a report is written to a file, not to stdout; name it, as in run.html"),
        ("n" * 300, "can't be written to n+: File name too long"),
        ("file.md", "can't be written to file.md: another file is there, which is no report; choose another"),
    ],
)
def test_a_place_where_no_file_can_be_is_a_wrong_setting(
    path: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("file.md").write_text("# Mine\n", "utf-8")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    with pytest.raises(ConfigError, match=f"path: .*{said}"):
        ReportOptions(path=Path(path))


def test_a_folder_that_is_not_writable_is_a_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # root may write everywhere
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(ConfigError, match="is not writable"):
        ReportOptions(path=tmp_path / "run.html")


def test_the_home_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ReportOptions(path=Path("~/run.html")).path == tmp_path / "run.html"


def test_the_place_stays_where_the_program_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    stage = Stage(Path("run.html"))
    monkeypatch.chdir(tmp_path / "other")
    stage.play(STARTED, FINISHED)
    assert leftovers(tmp_path) == ["other", "run.html"]
    assert leftovers(tmp_path / "other") == []


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("docs", "run-docs-r1.html"),
        ("a b/../c", "run-a_b_.._c-"),
        ("..", "run--"),
        ("", "run-none-r1"),
        ("x" * 300, "run-" + "x" * 80),
        ("日本", "run-_-"),
    ],
)
def test_each_collection_and_run_may_have_a_file_of_its_own(
    collection: str, name: str, tmp_path: Path
) -> None:
    stage = Stage(tmp_path / "run-{collection}-{run}.html")
    stage.play(events.RunStarted("r1", "docs", "t", collection), FINISHED)
    [found] = leftovers(tmp_path)
    assert found.startswith(name)
    assert len(found) < 200


def test_two_names_that_look_alike_in_a_file_system_are_two_files(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "{collection}.html")
    for collection in ("a/b", "a:b", "a_b"):
        stage.play(events.RunStarted("r1", "docs", "t", collection), FINISHED)
    assert len(leftovers(tmp_path)) == 3


def test_a_reader_never_finds_a_part_of_a_page(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "run.html", interval=1)
    stage.play(STARTED)
    done = threading.Event()
    seen: list[str] = []

    def read() -> None:
        while not done.is_set():
            seen.append(stage.page())

    reader = threading.Thread(target=read)
    reader.start()
    for index in range(60):
        scenes.write(stage, index, 10, 1.0)
    done.set()
    reader.join(10)
    assert len(set(seen)) > 1
    assert all(page.startswith("<!doctype html>") and page.endswith("</html>\n") for page in seen)
    assert leftovers(tmp_path) == ["run.html"]


def test_a_file_has_the_usual_permissions_and_one_that_is_there_keeps_its_own(tmp_path: Path) -> None:
    def mode() -> int:
        return stat.S_IMODE((tmp_path / "run.html").stat().st_mode)

    stage = Stage(tmp_path / "run.html")
    before = os.umask(0o027)
    try:
        stage.play(STARTED, FINISHED)
        assert mode() == 0o640
        (tmp_path / "run.html").chmod(0o604)
        stage.play(STARTED, FINISHED)
        assert mode() == 0o604
    finally:
        os.umask(before)


def test_of_a_link_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "run.html").symlink_to(tmp_path / "there" / "page.html")
    stage = Stage(tmp_path / "run.html")
    stage.play(STARTED, FINISHED)
    assert (tmp_path / "run.html").is_symlink()
    assert leftovers(tmp_path / "there") == ["page.html"]


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    """As a target that the run has made, where the report was to have the same name."""
    stage = Stage(tmp_path / "run.html")
    stage.path.write_text("mine", "utf-8")
    with pytest.raises(BatchwrightError, match="another file is there, which is no report"):
        stage.play(STARTED, FINISHED)
    assert stage.page() == "mine"


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_once_and_at_the_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path / "run.html", interval=1)
    stage.path.write_text(f"{place.GENERATOR} old", "utf-8")
    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(Path, "replace", full)
        stage.play(STARTED)
        for index in range(5):
            scenes.write(stage, index, 1, 2.0)
        assert len(caplog.records) == 1
        assert "can't be written to" in caplog.text
        with pytest.raises(BatchwrightError, match="No space left on device; the run is not affected"):
            stage.play(FINISHED)
    assert leftovers(tmp_path) == ["run.html"]
    assert stage.page() == f"{place.GENERATOR} old"
    monkeypatch.undo()
    stage.play(STARTED, FINISHED)
    assert Page(stage.page()).title == "Done"


def test_a_disk_that_has_room_again_has_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path / "run.html")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        stage.play(STARTED)
    scenes.write(stage, 0, 1, 40.0)
    assert Page(stage.page()).counts("records")["written"] == 1


def test_two_reporters_of_one_file_leave_one_whole_page(tmp_path: Path) -> None:
    def write() -> None:
        for number in range(40):
            place.write(tmp_path / "run.html", f"{number}" * 100_000)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert leftovers(tmp_path) == ["run.html"]
    assert len((tmp_path / "run.html").read_bytes()) == 200_000
