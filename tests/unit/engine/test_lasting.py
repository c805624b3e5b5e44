"""Whether a file will be there for the next run: what the system's table of mounts tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchwright.engine.store import lasting
from batchwright.engine.store.lasting import mount_of, passing, unwritable

OF_A_SERVER = "/dev/sda1 / ext4 rw 0 0\ntmpfs /memory tmpfs rw 0 0\n/dev/sdb1 /srv xfs rw 0 0\n"
OF_A_CONTAINER = (
    "overlay / overlay rw 0 0\n/dev/sda1 /data ext4 rw 0 0\n/dev/sda1 /with\\040space ext4 rw 0 0\n"
)


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    table = tmp_path / "mounts"
    table.write_text(OF_A_SERVER)
    monkeypatch.setattr(lasting.mount_of, "__defaults__", (table,))
    monkeypatch.setattr(lasting, "_SIGNS_OF_CONTAINERS", ())
    return table


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("/home/me/ledgers/a.db", ""),
        ("/srv/ledgers/a.db", ""),
        ("/memory/ledgers/a.db", "/memory is kept in memory, and empty after the next start"),
        ("/var/tmp/me/a.db", "/var/tmp is emptied now and then"),
    ],
)
def test_on_a_server_only_some_folders_pass(mounts: Path, file: str, why: str) -> None:
    assert passing(Path(file)) == why


def test_in_a_container_only_volumes_last(mounts: Path) -> None:
    mounts.write_text(OF_A_CONTAINER)
    inside = "/home/me/ledgers is inside the container, and goes with it"
    assert passing(Path("/home/me/ledgers/a.db")) == inside
    assert passing(Path("/data/a.db")) == passing(Path("/with space/a.db")) == ""


def test_a_container_is_known_by_its_signs_as_well(
    mounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "_SIGNS_OF_CONTAINERS", (str(tmp_path),))
    assert "inside the container" in passing(Path("/home/me/a.db"))
    assert passing(Path("/srv/a.db")) == ""


def test_the_temporary_folder_of_the_settings_passes(mounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/srv/scratch")
    assert passing(Path("/srv/scratch/a.db")) == "/srv/scratch is emptied now and then"
    assert passing(Path("/srv/scratches/a.db")) == ""


def test_without_a_table_of_mounts_nothing_is_known(tmp_path: Path) -> None:
    assert mount_of(Path("/home"), tmp_path / "none") == ("", "")


def test_the_last_of_two_mounts_at_one_place_counts(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("a /srv ext4 rw 0 0\nb /srv tmpfs rw 0 0\n")
    assert mount_of(Path("/srv/x"), tmp_path / "mounts") == ("/srv", "tmpfs")


def test_a_place_under_a_file_and_one_without_rights_are_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unwritable(tmp_path / "new" / "deep" / "a.db") == ""
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    assert unwritable(tmp_path / "file" / "a.db") == f"{tmp_path / 'file'} is a file"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    assert unwritable(tmp_path / "a.db") == f"nothing can be made in {tmp_path}"
    assert unwritable(tmp_path / "file") == f"{tmp_path / 'file'} can't be written to"
