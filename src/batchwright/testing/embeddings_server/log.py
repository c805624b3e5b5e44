"""What the server was asked, and when."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        number: From 1, as they came.
        texts: What was to be embedded.
        began: When it came, in seconds since 1970.
        ended: When it was answered; None as long as it isn't.
        status: Of the answer; 0 for none, or one that was cut or reset.
        in_flight: How many requests were being answered then, this one included.
        path: The path, with its query.
        headers: The headers, with names in lower case; not in the file.
        body: What else it asked: model, dimensions and the like.
    """

    number: int
    texts: tuple[str, ...]
    began: float
    ended: float | None = None
    status: int = 0
    in_flight: int = 1
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


class Log:
    """Keeps the requests in memory and, where one is given, in a file.

    A request has a line there when it comes, and one when it is answered, before the client can know.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = Lock()
        self._asked = read_log(file) if file is not None and file.exists() else []  # of a server before this
        self._in_flight = 0
        self._file = file.open("a", encoding="utf-8") if file is not None else None

    @property
    def requests(self) -> list[Asked]:
        """All requests so far."""
        with self._lock:
            return list(self._asked)

    def begin(
        self, texts: tuple[str, ...], path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> Asked:
        """Note that a request came, and number it."""
        with self._lock:
            self._in_flight += 1
            number = len(self._asked) + 1
            asked = Asked(
                number,
                texts,
                time.time(),
                in_flight=self._in_flight,
                path=path,
                headers=headers,
                body={name: value for name, value in body.items() if name != "input"},
            )
            self._asked.append(asked)
            self._write({name: value for name, value in asdict(asked).items() if name != "headers"})
        return asked

    def end(self, asked: Asked, status: int) -> None:
        """Note how it is answered."""
        with self._lock:
            self._in_flight -= 1
            ended = replace(asked, ended=time.time(), status=status)
            self._asked[asked.number - 1] = ended
            self._write({"number": ended.number, "ended": ended.ended, "status": status})

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, values: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(values) + "\n")  # escapes all but ASCII: lone surrogates too
            self._file.flush()


def read_log(file: Path) -> list[Asked]:
    """Return the requests that a log says; it may still be written."""
    found: dict[int, Asked] = {}
    for line in file.read_text("utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break  # being written
        values = json.loads(line)
        number = values["number"]
        if number in found:
            found[number] = replace(found[number], ended=values["ended"], status=values["status"])
        else:
            found[number] = Asked(**{**values, "texts": tuple(values["texts"])})
    return list(found.values())
