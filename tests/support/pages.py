"""The pages of the documentation: their blocks, and a reader who does what they say.

A comment before a fenced block says what becomes of it; a page is followed from top to bottom in one shell,
so what a block leaves behind (the folder it went to, variables, a virtual environment) is there in the next:

    <!-- file: notes/garden.md -->   the block is written to that file
    <!-- run -->                     console: what follows `$ ` is run in bash, what it prints is compared;
                                     python: run as a program, and what it prints is compared to the next
                                     block where that is marked `<!-- output -->`
    <!-- run: sql -->                run by the administrator of the page's database

Compared loosely: every line of the page has to come, in order, and others may come between them. White space
is squeezed, times and rates are not looked at, and `…` stands for anything; before *passed*, *failed* and
*skipped* for a number, so that a test that fails is noticed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from batchwright.config import PREFIX

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[a-z]+)(?:: (?P<what>\S+))? -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_NEXT = "\x01"
_COUNT = re.compile(r"\.\*(?=\\ (?:passed|failed|skipped)\b)")
"""What stands for a number of tests in a pattern."""


def name_of(page: Path) -> str:
    """Return the path of a page in the project, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block, and what the comment before it says."""

    language: str
    text: str
    mark: str
    what: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            found["mark"] or "",
            found["what"] or "",
            text.count("\n", 0, found.start()) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


RUNNABLE = [page for page in PAGES if any(block.mark == "run" for block in blocks(page))]


def installs(page: Path) -> bool:
    """Tell whether the page installs something, and so needs environments of its own."""
    return any(b.mark == "run" and re.search(r"^\$ .*pip install", b.text, re.M) for b in blocks(page))


def environment(**more: str) -> dict[str, str]:
    """Return what a reader's shell begins with: this interpreter's programs, and no settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "COLUMNS": "100", "TERM": "dumb", "PYTHONUTF8": "1", **more}


class Reader:
    """Does what a page says, step by step, in a folder of its own.

    Args:
        folder: Where to begin; made here, and everything else besides it.
        variables: The environment of the first step.
        replaced: What to put in place of names in the page.
        patience: Seconds that one block may take.
    """

    def __init__(
        self, folder: Path, variables: Mapping[str, str], replaced: Mapping[str, str], patience: float = 60.0
    ) -> None:
        self._folder = folder / "here"
        self._folder.mkdir()
        self._kept = folder / "kept.sh"
        self._kept.write_text("")
        self._variables = dict(variables)
        self._replaced = replaced
        self._patience = patience

    def follow(self, page: Path, administrator: str = "") -> None:
        """Follow the page to its end; what doesn't come out as it says is an AssertionError."""
        steps = blocks(page)
        for number, block in enumerate(steps):
            where = f"{page.name}:{block.line}"
            text = self._adapted(block.text)
            if block.mark == "file":
                self._write(block.what, text)
            elif (block.mark, block.what) == ("run", "sql"):
                with closing(psycopg.connect(administrator, autocommit=True)) as connection:
                    connection.execute(text)
            elif block.mark == "run" and block.language == "python":
                following = steps[number + 1] if number + 1 < len(steps) else None
                expected = following.text if following and following.mark == "output" else ""
                said = self._perform('exec python -c "$1"', text)
                assert said.returncode == 0, f"{where}: {said.stdout}"
                compare(self._adapted(expected), said.stdout, where)
            elif block.mark == "run":
                assert block.language == "console", where
                self._type_in(text, where)

    def _adapted(self, text: str) -> str:
        for old, new in self._replaced.items():
            text = text.replace(old, new)
        return text

    def _write(self, path: str, text: str) -> None:
        """Write a file, below the folder that the shell is in by now."""
        here = Path(self._perform("pwd").stdout.strip())
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(text, "utf-8")

    def _type_in(self, text: str, where: str) -> None:
        """Run the commands of a console block in one shell, so that `$?` is kept."""
        commands = re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", text, re.M)
        script = "kept=0\n" + "".join(
            f"printf '\\001'; (exit $kept)\n{command}\nkept=$?\n" for command, _ in commands
        )
        script += """{ export -p; printf 'cd %q\\n' "$PWD"; } > "$0"\n"""
        said = self._perform(script)
        outputs = said.stdout.split(_NEXT)[1:]
        assert len(outputs) == len(commands), f"{where}: {said.stdout}"
        for (command, expected), output in zip(commands, outputs, strict=True):
            compare(expected, output, f"{where}: $ {command}")

    def _perform(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f'source "$0"\n{script}', str(self._kept), *arguments],
            cwd=self._folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self._patience,
            check=False,
        )


def compare(expected: str, output: str, where: str) -> None:
    """Check that every line expected comes, in order; others may come between them."""
    lines = iter([squeezed(line) for line in output.splitlines()])
    for line in expected.splitlines():
        wanted = squeezed(line)
        if wanted and wanted != "…":
            pattern = _COUNT.sub(r"\\d+", ".*".join(map(re.escape, wanted.split("…"))))
            assert any(re.fullmatch(pattern, found) for found in lines), (
                f"{where}\nmissing: {wanted}\nin:\n{output}"
            )


def squeezed(line: str) -> str:
    """Return a line without what differs from run to run."""
    words = line.split()
    if words and words[0] in ("time", "read", "batches"):
        return words[0]
    line = re.sub(r"postgres(?:ql)?://[^\s'\"]+", "URL", " ".join(words))
    return re.sub(r"kb_(owner|loader|reader)_[0-9a-f]{8}", r"kb_\1", line)
