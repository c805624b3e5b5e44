"""Which process this is, and when another one is known to have ended."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchwright.contracts.lease import Owner
from batchwright.engine.owner import has_ended, this_process

LINUX = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="no /proc to read, as on macOS")


def _told(proc: Path, pid: int, state: str = "S", started: int = 7, threads: int = 1) -> Owner:
    """Have a folder tell of a process as Linux does; return it as an owner."""
    (proc / str(pid) / "task").mkdir(parents=True)
    for thread in range(threads):
        (proc / str(pid) / "task" / str(pid + thread)).mkdir()
    rest = " ".join(map(str, [1] * 18))
    (proc / str(pid) / "stat").write_text(f"{pid} (a) b (c) {state} {rest} {started} 0")
    return Owner("here", pid, "boot", "pid:[1]", started)


@LINUX
def test_a_process_knows_all_about_itself_and_goes_on() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert None not in (me.boot_id, me.namespace, me.started)
    assert this_process() == me
    assert not has_ended(me, me)


@LINUX
def test_a_process_that_was_killed_has_ended_also_before_its_parent_waited_for_it() -> None:
    me = this_process()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
        owner = replace(me, pid=child.pid, started=started)
        assert not has_ended(owner, me)
        assert has_ended(replace(owner, started=started - 1), me), "the number was given to another process"
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(owner, me), "a zombie"
        child.wait()
        assert has_ended(owner, me), "no such process"


@LINUX
@pytest.mark.parametrize("part", ["boot_id", "namespace"])
def test_nothing_is_known_of_another_machine_or_container(part: str) -> None:
    me = this_process()
    gone = replace(me, pid=2**22 + 1)
    assert has_ended(gone, me)
    another: dict[str, Any] = {part: "another"}
    unknown: dict[str, Any] = {part: None}
    assert not has_ended(replace(gone, **another), me)
    assert not has_ended(replace(gone, **unknown), replace(me, **unknown))


def test_a_process_whose_first_thread_has_ended_goes_on(tmp_path: Path) -> None:
    assert not has_ended(_told(tmp_path, 11, "Z", threads=2), Owner("here", 1, "boot", "pid:[1]"), tmp_path)
    assert has_ended(_told(tmp_path, 21, "Z", threads=1), Owner("here", 1, "boot", "pid:[1]"), tmp_path)


def test_a_process_that_is_hidden_has_not_ended(tmp_path: Path) -> None:
    hidden = Owner("here", os.getpid(), "boot", "pid:[1]", 7)
    assert not has_ended(hidden, Owner("here", 1, "boot", "pid:[1]"), tmp_path)


def test_what_can_not_be_read_is_not_known(tmp_path: Path) -> None:
    me = this_process(tmp_path)
    assert me.pid == os.getpid()
    assert (me.boot_id, me.namespace, me.started) == (None, None, None)
    assert not has_ended(replace(me, pid=2**22 + 1), me, tmp_path)


def test_numbers_of_another_namespace_are_not_ours(tmp_path: Path) -> None:
    _told(tmp_path, 1)
    (tmp_path / "self").symlink_to("1")  # /proc is that of the namespace around this one
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("boot")
    assert this_process(tmp_path).boot_id is None


def test_an_owner_is_kept_as_json_and_what_is_new_in_it_is_ignored() -> None:
    owner = Owner("here", 3, "boot", "pid:[1]", 7)
    assert Owner.from_json(owner.as_json()) == owner
    assert Owner.from_json('{"host": "here", "pid": 3, "shoe": 43}') == Owner("here", 3)
