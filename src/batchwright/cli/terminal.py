"""What the command line says, and where: results on stdout, everything else on stderr, passwords nowhere.

All that is printed goes through `_write`. It shows control characters of names, texts and messages as
escapes, and turns our own styles into those of a terminal: nobody else knows the mark that they begin with.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from typing import Any, Literal, TextIO

from batchwright.cli.stdout import OwnStdout
from batchwright.contracts import exits
from batchwright.errors import BatchwrightError
from batchwright.secrets import mask, secrets_in
from batchwright.values import dataclass
from batchwright.visible import json_text, visible

Style = Literal["bold", "dim", "red", "yellow", "green", "match"]
_CODES: Mapping[str, str] = {
    "bold": "1", "dim": "2", "red": "1;31", "yellow": "33", "green": "32", "match": "1;33"
}  # fmt: skip
_STYLE = f"\x1b{os.urandom(8).hex()}["
"""What a style begins with until it is written."""


@dataclass()
class Terminal:
    """Says things.

    Attributes:
        json: Whether the result is wanted as JSON, also that of a failure.
        verbosity: How many times ``-v`` was given.
        secrets: What must never be shown.
        remarks: What is to be logged as soon as that is set up.
        has_several: Whether there may be several results: as JSON each is a line.
    """

    json: bool = False
    verbosity: int = 0
    secrets: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    has_several: bool = False
    _stdout: OwnStdout | None = None
    _gathered: list[Any] | None = None

    @classmethod
    def of(cls, arguments: Sequence[str], environ: Mapping[str, str]) -> Terminal:
        """Return the terminal for a command that may yet turn out to be misspelled."""
        options = arguments[: arguments.index("--")] if "--" in arguments else arguments
        verbosity = sum(len(option) - 1 for option in options if re.fullmatch(r"-v+", option))
        texts = [*arguments, *(value for name, value in environ.items() if name.startswith("BATCHWRIGHT_"))]
        secrets = [secret for text in texts for secret in secrets_in(text.removeprefix("--to="))]
        secrets += filter(None, [environ.get("PGPASSWORD")])
        return cls("--json" in options, verbosity + options.count("--verbose"), secrets)

    def keep_stdout(self) -> None:
        """Keep stdout for results: whatever else writes there from now on, writes to stderr."""
        if self._stdout is None:
            self._stdout = OwnStdout()

    def mend(self) -> None:
        """Open stdout and stderr again, where plugins have closed them."""
        if self._stdout is not None:
            self._stdout.mend()

    def give_stdout_back(self) -> None:
        """Undo `keep_stdout`, where the process goes on after the command."""
        if self._stdout is not None:
            self._stdout.give_back()
            self._stdout = None

    @property
    def runs_plugins(self) -> bool:
        """Whether code of plugins may run in this process: stdout is kept from it."""
        return self._stdout is not None

    @property
    def out(self) -> TextIO | None:
        """Where results go."""
        return self._stdout.stream if self._stdout is not None else sys.stdout

    @property
    def columns(self) -> int:
        """How wide the terminal is where results go; 80 where it doesn't say."""
        if os.environ.get("COLUMNS", "").isdecimal():
            return int(os.environ["COLUMNS"]) or 80
        try:
            return os.get_terminal_size(self.out.fileno()).columns or 80 if self.out else 80
        except (OSError, ValueError):
            return 80

    def mask(self, text: str) -> str:
        """Return the text without any secret."""
        return mask(text, self.secrets)

    def masked(self, value: Any) -> Any:
        """Return JSON values without any secret; masking their text could break it."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, Mapping):
            return {name: self.masked(inner) for name, inner in value.items()}
        return [self.masked(inner) for inner in value] if isinstance(value, list | tuple) else value

    def say(self, text: str) -> None:
        """Write a result."""
        _write(self.out, self.mask(text))

    def say_json(self, value: Mapping[str, Any]) -> None:
        """Write a result as one JSON object."""
        self._say_masked(self.masked(value))

    def _say_masked(self, value: Any) -> None:
        if self._gathered is not None:
            self._gathered.append(value)
        else:
            _write_json(self.out, value, indent=None if self.has_several else 2)

    @contextmanager
    def gathering(self) -> Iterator[list[Any]]:
        """Gather results that would be written as JSON, and write none of them meanwhile."""
        results: list[Any] = []
        self._gathered = results
        try:
            yield results
        finally:
            self._gathered = None

    def say_line(self, value: Mapping[str, Any]) -> None:
        """Write one line of JSON, as it is: the caller masks what may be masked, and not data."""
        _write_json(self.out, value)

    def tell(self, text: str) -> None:
        """Write anything but a result; its further lines are indented, and so can't pass for our own."""
        self.tell_masked(self.mask(text))

    def tell_masked(self, text: str) -> None:
        """Write the same, from which secrets are gone already."""
        _write(sys.stderr, "\n  ".join(text.splitlines()))

    def tell_json(self, text: str) -> None:
        """Write a line of JSON that is no result, from which secrets are gone already."""
        _write_raw(sys.stderr, text)

    def tell_error(self, message: str) -> None:
        """Write an error; its further lines are indented."""
        self._tell_error(self.mask(message))

    def fail(self, message: str, code: int, kind: str | BaseException, **more: str) -> int:
        """Write an error, also as JSON where that is wanted; return the exit code.

        Args:
            message: What happened.
            code: The exit code.
            kind: The class of the error, or the error; of a private class that is the public one above it.
            more: More for the JSON, or in place of what is said there.
        """
        # Errors about settings piece by piece, or a setting's name (max_token: …) would pass for a secret's.
        pieces = message.split(": ") if code == exits.USAGE else [message]
        kind = kind if isinstance(kind, str) else _public(kind)
        reason = ": ".join(self.mask(piece) for piece in pieces) or kind
        self._tell_error(reason)
        if self.json:
            result = {"state": "failed", "exit_code": code, "error": kind, "reason": reason}
            with suppress(BatchwrightError):  # that it can't be written is the lesser trouble
                self._say_masked(result | self.masked(more))
        return code

    def _tell_error(self, message: str) -> None:
        mark = self.style("error:", "red", sys.stderr)
        _write(sys.stderr, f"{mark} " + f"\n{' ' * len('error: ')}".join(message.splitlines()))

    def style(self, text: str, style: Style, stream: TextIO | None = None) -> str:
        """Return the text in a style, where the stream (stdout if not given) shows any."""
        begin, end = style_marks(style, stream or self.out)
        return f"{begin}{text}{end}"


def style_marks(style: Style, stream: TextIO | None) -> tuple[str, str]:
    """Return what begins a style and what ends it, for `Terminal` to write; empty where none is shown."""
    return (f"{_STYLE}{_CODES[style]}m", f"{_STYLE}0m") if has_styles(stream) else ("", "")


def has_styles(stream: TextIO | None) -> bool:
    """Tell whether the stream is a terminal that shows styles, and the user wants them (no NO_COLOR)."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return stream.isatty()


def make_safe(stream: Any) -> None:
    """Let the stream write what its encoding lacks as escapes, rather than raise."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO | None, text: str) -> None:
    _write_raw(stream, "\x1b[".join(visible(part) for part in text.split(_STYLE)))


def _write_json(stream: TextIO | None, value: Any, indent: int | None = None) -> None:
    if stream is None:  # closed by whoever started us; JSON is asked for by who wants to read it
        raise BatchwrightError("the output can't be written: stdout is closed")
    _write_raw(stream, json_text(value, indent=indent, default=str))


def _write_raw(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:  # the reader has seen enough
        _silence(stream)
    except OSError as error:
        _silence(stream)
        if stream is sys.stderr:  # there is nowhere to say so, and results still have their way
            return
        raise BatchwrightError(f"the output can't be written: {error.strerror}") from None


def _silence(stream: TextIO) -> None:
    """Send what is left in the stream's buffer nowhere, so that no flush at exit fails again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _public(error: BaseException) -> str:
    ours = (cls.__name__ for cls in type(error).__mro__ if cls.__module__ == BatchwrightError.__module__)
    return next(ours, type(error).__name__)
