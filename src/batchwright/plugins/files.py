"""Plugins that are named by a file or a module, rather than installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from batchwright.errors import PluginError


def import_plugin(source: str | Path) -> ModuleType:
    """Import a plugin from a .py file, or by the name of its module.

    Raises:
        PluginError: There is no such file, or it can't be imported.
        Exception: What the module raises.
    """
    text = str(source)
    if not text.endswith(".py"):
        return importlib.import_module(text)
    path = Path(text).resolve()
    if not path.is_file():
        raise PluginError(f"there is no file {text}")
    # not under its bare name: a plugin called logging.py must not stand in for the standard library's
    name = f"_batchwright_plugin_{sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItIs(name, str(path)))
    if spec is None or spec.loader is None:
        raise PluginError(f"{text} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _AsItIs(SourceFileLoader):
    """Takes a file as it is now, and leaves nothing beside it.

    Python's cache of compiled files takes one that was changed within a second, to another text of the same
    length, for the one before.
    """

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def name_of(plugin: object) -> str:
    """Return what a plugin is called: its file's stem, its module's name, its `name`, or its class's."""
    if isinstance(plugin, ModuleType):
        return (
            Path(plugin.__file__).stem
            if plugin.__name__.startswith("_batchwright_plugin_") and plugin.__file__
            else plugin.__name__
        )
    name = getattr(plugin, "name", None)
    return name if isinstance(name, str) and name else type(plugin).__name__
