"""A distribution with one plugin: its names, and its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from batchwright import kinds
from batchwright.contracts.hookspecs import API_VERSION
from batchwright.errors import ConfigError
from batchwright.home import from_home

KINDS = tuple(kind.noun for kind in kinds.KINDS if kind.kit)
"""The nouns of the kinds of plugins for which there are templates."""

_LONGEST = 24
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = ".tmpl"  # so that no tool takes a template for a program


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A plugin to make.

    Attributes:
        kind: One of `KINDS`.
        name: The plugin's name: that of its entry point, and of the sink's scheme or the reporter.
    """

    kind: str
    name: str

    @classmethod
    def of(cls, kind: str, name: str) -> Scaffold:
        """Return the scaffold; ``batchwright-notes`` names the plugin ``notes``.

        Raises:
            ConfigError: There is no such kind, or no plugin can have this name.
        """
        if kind not in KINDS:
            raise ConfigError(f"KIND: {kind!r} is none of {', '.join(KINDS)}")
        bare = name.removeprefix("batchwright-")
        if not _NAME.fullmatch(bare):
            raise ConfigError(
                f"NAME: {name!r} can't name a plugin; use lower-case letters and digits, "
                "beginning with a letter, with single hyphens between words, such as `my-notes`"
            )
        if len(bare) > _LONGEST:
            raise ConfigError(f"NAME: {name!r} is too long; {_LONGEST} characters at most")
        return cls(kind, bare)

    @property
    def described(self) -> str:
        """The kind, with its article."""
        return kinds.BY_NOUN[self.kind].with_article

    @property
    def distribution(self) -> str:
        """The name for ``pip install``."""
        return f"batchwright-{self.name}"

    @property
    def module(self) -> str:
        """The name of the package to import."""
        return self.distribution.replace("-", "_")

    def files(self) -> dict[str, str]:
        """Return the text of each file, by its path in the distribution."""
        return {
            self._filled(path): self._filled(template.read_text("utf-8"))
            for folder in ("common", self.kind)
            for path, template in _walk(files(__package__) / "templates" / folder)
        }

    def write(self, parent: Path) -> Path:
        """Write the distribution into a new folder, and return that.

        Raises:
            ConfigError: The folder is there already, or can't be made.
        """
        parent = from_home(parent)
        folder = parent / self.distribution
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            for path, text in self.files().items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, "utf-8")
        except FileExistsError as error:
            raise ConfigError(
                f"{error.filename} is there already, and nothing of it is touched; "
                "choose another name, or another folder with --dir"
            ) from None
        except OSError as error:
            raise ConfigError(f"{error.filename or folder} can't be written: {error.strerror}") from None
        return folder

    @property
    def _class(self) -> str:
        """What classes are named after, without the kind: their names end in that."""
        bare = self.name.removesuffix(f"-{self.kind}")
        return "".join(word.capitalize() for word in bare.split("-"))

    def _filled(self, text: str) -> str:
        major, minor, *_ = version("batchwright").split(".")
        bound = f"{major}.{int(minor) + 1}" if major == "0" else f"{int(major) + 1}"
        values = {
            "@a kind@": self.described,
            "@A kind@": self.described.capitalize(),
            "@kind@": self.kind,
            "@name@": self.name,
            "@distribution@": self.distribution,
            "MODULE": self.module,
            "@Class@": self._class,
            "@requires@": f">={major}.{minor},<{bound}",
            "@api@": str(API_VERSION),
            "@year@": str(date.today().year),
        }
        for mark, value in values.items():
            text = text.replace(mark, value)
        return text


def _walk(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield the templates of a folder with their paths; ``dot-`` stands for what a name begins with."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = re.sub(r"^dot-", ".", entry.name)
        if entry.is_dir():
            yield from _walk(entry, f"{above}{name}/")
        elif name.endswith(_SUFFIX):
            yield above + name.removesuffix(_SUFFIX), entry
