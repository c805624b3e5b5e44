"""The file systems of fsspec, and which distribution holds their drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchwright import ConfigError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "http": "http",
    "https": "http",
    "sftp": "sftp",
    "ssh": "sftp",
    "smb": "smb",
}
"""Which extra of this distribution installs the driver of a scheme."""


def file_system(scheme: str) -> type[AbstractFileSystem]:
    """Return the class of a scheme's file system.

    Raises:
        ConfigError: Its driver isn't installed, or can't be imported.
    """
    import fsspec

    try:
        found: type[AbstractFileSystem] = fsspec.get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        extra = EXTRAS.get(scheme)
        install = f"pip install 'batchwright-fsspec[{extra}]'" if extra else str(error).strip().rstrip(".")
        lacking = (
            f" ({error.name} can't be imported)" if isinstance(error, ImportError) and error.name else ""
        )
        raise ConfigError(f"source: no driver for {scheme}:// is installed{lacking}; {install}") from None
    return found


def run(fs: Any, coroutine_function: Any, *args: Any) -> Any:
    """Run a coroutine on the event loop of a file system, from any other thread, and return its result."""
    from fsspec.asyn import sync

    return sync(fs.loop, coroutine_function, *args)
