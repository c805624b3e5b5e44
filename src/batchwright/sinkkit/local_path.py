"""URLs of a file or a folder of this machine: ``SCHEME:///relative``, ``SCHEME:////absolute``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from batchwright.contracts.plugin import PluginOptions
from batchwright.errors import ConfigError


def local_path(
    url: str,
    options: type[PluginOptions],
    example: str,
    *,
    kind: Literal["file", "folder"] = "file",
    reserved: tuple[str, ...] = (),
    what: Literal["target", "source"] = "target",
) -> Path:
    """Return the file or folder that a URL names, absolute; a relative one counts from the working directory.

    ``~`` at the beginning is the home of the user, as in a shell.

    Args:
        url: The URL, without the parameters that are options.
        options: The model of the options, which a message lists.
        example: A name, for messages.
        kind: What the path is of.
        reserved: How a path may not begin, since the database takes it for something else than a file.
        what: What the URL is of.

    Raises:
        ConfigError: The URL names none. The message doesn't show it: it may hold a password.
    """
    scheme = url.partition(":")[0].lower()
    form = f"write {scheme}:///relative/{example} or {scheme}:////absolute/{example}"
    try:
        parts = urlsplit(url)
        path = unquote(parts.path[1:], errors="strict")
    except ValueError:
        raise ConfigError(f"the {what} can't be read; {form}, with UTF-8 in percent signs") from None
    if parts.netloc:
        raise ConfigError(f"a {what} of {scheme} names a {kind}, not a host, after its third slash; {form}")
    if parts.query:
        unknown = ", ".join(sorted({setting.partition("=")[0] for setting in parts.query.split("&")}))
        known = ", ".join(i.alias or name for name, i in options.model_fields.items() if name != "url")
        raise ConfigError(f"the {what} has unknown parameters ({unknown}); known are {known}")
    if parts.fragment or url.endswith("#"):
        raise ConfigError(f"the {what} holds a '#'; write %23 where a name has one")
    if path.startswith(reserved):
        raise ConfigError(f"the {what} must be a {kind}, since several connections use it; {form}")
    if not path or "\0" in path:
        raise ConfigError(f"the {what} names no {kind}; {form}")
    if path == "~" or path.startswith("~"):
        return _in_home(path, f"{scheme}:///./{path}")
    return Path(path).absolute()


def _in_home(path: str, literal: str) -> Path:
    """Return the path with ``~`` as shells read it, which don't within a URL or a file of settings.

    Raises:
        ConfigError: There is no such user, or no home; `literal` is how a name with a tilde is written.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise ConfigError(
            f"{path.partition('/')[0]!r} names no home here; write the whole path, "
            f"or {literal} for a name with a tilde"
        ) from None
