"""What is left out of the input, counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from batchwright.model import Omission

NO_READER = "no reader"
OUTSIDE_PATTERNS = "outside the patterns"
LINK = "link not followed"
HIDDEN_FILE, HIDDEN_FOLDER = "hidden file", "hidden folder"
EXCLUDED_FILE, EXCLUDED_FOLDER = "excluded file", "excluded folder"
FRONT_MATTER = "front matter unreadable"
FIELD = "front matter field unreadable"
EMBEDDED = "data URI"
CLEANED = "characters cleaned"

REASONS = (
    NO_READER,
    OUTSIDE_PATTERNS,
    LINK,
    HIDDEN_FILE,
    HIDDEN_FOLDER,
    EXCLUDED_FILE,
    EXCLUDED_FOLDER,
    FRONT_MATTER,
    FIELD,
    EMBEDDED,
    CLEANED,
)
"""Why something is left out. Behind the first two stands the files' ending, as in ``no reader: .png``."""

NAMED = 20
"""How many are named of a reason, at most."""

_ENDINGS = 100
_LONGEST_ENDING = 12


class LeftOut:
    """Counts what is left out, and names the first of it.

    Attributes:
        counts: How many, by reason.
        named: The first of each reason.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.named: list[Omission] = []

    def add(self, reason: str, path: str) -> None:
        """Count something."""
        self.counts[reason] += 1
        if self.counts[reason] <= NAMED:
            self.named.append(Omission(reason, path))

    def add_file(self, reason: str, path: str) -> None:
        """Count a file under its ending; there are at most so many of these."""
        name = path[path.rfind("/") + 1 :]
        dot = name.rfind(".")
        ending = name[dot:].lower() if dot > 0 else "no ending"
        if len(ending) > _LONGEST_ENDING or not ending.isprintable():
            ending = "other endings"
        reason_and_ending = f"{reason}: {ending}"
        if reason_and_ending not in self.counts and len(self.counts) >= _ENDINGS:
            reason_and_ending = f"{reason}: other endings"
        self.add(reason_and_ending, path)


def by_reason(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of all `REASONS`, in snake_case, whatever the endings: ``no_reader``."""
    found = {_snake_case(reason): 0 for reason in REASONS}
    for reason, count in counts.items():
        name = _snake_case(reason.partition(": ")[0])
        if name in found:  # a reason of a later version is none of ours
            found[name] += count
    return found


def _snake_case(reason: str) -> str:
    return reason.lower().replace(" ", "_")
