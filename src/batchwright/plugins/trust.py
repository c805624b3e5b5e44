"""Whether code that a file of settings names may be run, where that file was found and not given."""

from __future__ import annotations

import importlib.util
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from batchwright.errors import ConfigError
from batchwright.home import from_home


def check_found(file: Path, modules: Iterable[str], setting: str = "plugins") -> None:
    """Check that a file of settings, and the modules that it names, are the user's own.

    Anybody may have left a file in a folder that many write to, and its code would be run.

    Args:
        file: The file of settings.
        modules: What it names, such as plugins: paths or names of modules.
        setting: The setting that names them.

    Raises:
        ConfigError: One of these files belongs to somebody else, or somebody else may write it.
    """
    for path in (file, *filter(None, map(_file_of, modules))):
        wrong = _distrusted(path)
        if wrong:
            raise ConfigError(
                f"{file}: {setting}: {path} {wrong}, and {file} was found in the working directory, "
                f"not given; if you trust both, name it: --config {file}"
            )


def _file_of(plugin: str) -> Path | None:
    """Return the file of a plugin; None where there is none, which loading it will say."""
    if plugin.endswith(".py"):
        file = from_home(plugin)
        return file if file.exists() else None
    try:
        spec = importlib.util.find_spec(plugin.partition(".")[0])
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None


def _distrusted(path: Path) -> str:
    """Return why the file is not to be trusted, empty where it is."""
    if not hasattr(os, "getuid"):
        return ""
    found = path.stat()
    if found.st_uid not in (0, os.getuid()):
        return "belongs to somebody else"
    if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and not _is_alone_in(found.st_gid)):
        return "may be written by others"
    return ""


def _is_alone_in(group: int) -> bool:
    """Tell whether a group has this user only, as the groups named after users that Linux makes for them."""
    import grp
    import pwd

    try:
        entry, user = grp.getgrgid(group), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return entry.gr_name == user.pw_name and set(entry.gr_mem) <= {user.pw_name}
