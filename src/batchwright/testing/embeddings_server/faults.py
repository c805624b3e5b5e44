"""What goes wrong, and with which requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Spoilt = Literal["nan", "infinite", "zero", "missing", "twice", "no index", "text", "not json"]
"""A number that is none, in one vector; a vector of zeros; an answer that lacks one; one index twice; one
nowhere; a word among the numbers; a page of HTML."""


@dataclass(frozen=True, slots=True)
class ServerFault:
    """What goes wrong with some requests. Of several that apply, the first counts.

    Attributes:
        at: The numbers of the requests, from 1.
        text: A request that has a text with this in it, besides those of `at`.
        times: How often it happens at most; None for always.
        status: Answered instead of 200.
        code: Of the error in the answer, such as ``insufficient_quota``.
        retry_after: The header, in seconds, or a date as HTTP writes it.
        location: The header ``Location``, for a redirect.
        delay: Seconds before the answer, in place of the server's.
        drip: Seconds that the body takes, a tenth of it at a time.
        cut: Bytes of the body after which the connection ends; it is announced whole.
        reset: Whether it ends with a reset; with no `cut`, before anything was answered.
        refuse: For so many seconds from then on, connections are refused, and those that stand are reset.
        dimensions: Numbers a vector, whatever was asked for.
        spoilt: What is wrong with the answer's content.
    """

    at: tuple[int, ...] = ()
    text: str = ""
    times: int | None = None
    status: int = 200
    code: str = ""
    retry_after: float | str | None = None
    location: str = ""
    delay: float | None = None
    drip: float = 0.0
    cut: int | None = None
    reset: bool = False
    refuse: float = 0.0
    dimensions: int | None = None
    spoilt: Spoilt | None = None

    def applies(self, number: int, texts: Sequence[str]) -> bool:
        """Tell whether it happens to a request, by its number and texts."""
        return number in self.at or (self.text != "" and any(self.text in text for text in texts))

    def as_json(self) -> dict[str, Any]:
        """Return what is said otherwise than by default."""
        usual = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> ServerFault:
        """Return the fault that `as_json` described."""
        return cls(**{**values, "at": tuple(values.get("at", ()))})


class Script:
    """Faults, and how often each happened."""

    def __init__(self, faults: Iterable[ServerFault]) -> None:
        self._faults = [(fault, [0]) for fault in faults]

    def take(self, number: int, texts: Sequence[str]) -> ServerFault:
        """Return what happens to a request, and count it; nothing, where none applies."""
        for fault, happened in self._faults:
            if fault.applies(number, texts) and (fault.times is None or happened[0] < fault.times):
                happened[0] += 1
                return fault
        return ServerFault()
