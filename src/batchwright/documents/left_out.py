"""What is left out of the input, counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

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
CELL_OUTPUT = "cell output"
ATTACHMENT = "attachment"
VANISHED = "gone since it was listed"
REPLACED = "member replaced by a later one"
SAME_ROW, EARLIER_ROW = "same row again", "row replaced by a later one"
DELETED_ROW = "row marked as deleted"

# What a format holds and a document doesn't; readers say so.
IMAGE = "image"
MEDIA = "embedded media"
NAVIGATION = "navigation"
COMMENT = "comment"
DELETED = "deleted text"
MARGIN = "header or footer"
FORMULA = "formula"
FORM = "form field"
PAGE = "page without text"
PAGE_NUMBER = "page number"
DAMAGED = "damaged part"
NESTED = "nested too deeply"

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
    CELL_OUTPUT,
    ATTACHMENT,
    VANISHED,
    REPLACED,
    IMAGE,
    MEDIA,
    NAVIGATION,
    COMMENT,
    DELETED,
    MARGIN,
    FORMULA,
    FORM,
    PAGE,
    PAGE_NUMBER,
    DAMAGED,
    NESTED,
    SAME_ROW,
    EARLIER_ROW,
    DELETED_ROW,
)
"""Why something is left out. Behind the first two stands the files' ending, as in ``no reader: .png``."""

NAMED = 20
"""How many are named of a reason, at most."""

_ENDINGS = 100
_LONGEST_ENDING = 12


class LeftOutCounts:
    """Counts what is left out, and names the first of it.

    Attributes:
        counts: How many, by reason.
        named: The first of each reason.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.named: list[Omission] = []
        self._reasons: dict[str, str] = {}  # by the ending as it is written

    def add(self, reason: str, path: str) -> None:
        """Count something."""
        self.counts[reason] += 1
        if self.counts[reason] <= NAMED:
            self.named.append(Omission(reason, path))

    def add_file(self, path: str, readable: Sequence[str]) -> None:
        """Count a file that no pattern matches under its ending; there are at most so many of these.

        Args:
            path: The file.
            readable: Endings that there is a reader for.
        """
        dot = path.rfind(".")
        ending = path[dot:] if dot > path.rfind("/") + 1 else ""
        reason = self._reasons.get(ending)
        if reason is None:
            reason = self._reasons[ending] = self._reason(ending.lower(), readable)
        self.counts[reason] = count = self.counts[reason] + 1
        if count <= NAMED:
            self.named.append(Omission(reason, path))

    def _reason(self, ending: str, readable: Sequence[str]) -> str:
        if ending in readable:
            return f"{OUTSIDE_PATTERNS}: {ending}"
        if len(self._reasons) >= _ENDINGS or len(ending) > _LONGEST_ENDING or not ending.isprintable():
            self._reasons.pop(next(iter(self._reasons), ""), None)  # there may be as many as files
            return f"{NO_READER}: other endings"
        return f"{NO_READER}: {ending or 'no ending'}"


def by_reason(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of all `REASONS`, in snake_case, whatever the endings: ``no_reader``."""
    found = {name_of(reason): 0 for reason in REASONS}
    for reason, count in counts.items():
        name = name_of(reason)
        if name in found:  # a reason of a later version is none of ours
            found[name] += count
    return found


def name_of(reason: str) -> str:
    """Return a reason in snake_case, whatever its ending: ``no_reader``."""
    return reason.partition(": ")[0].lower().replace(" ", "_")
