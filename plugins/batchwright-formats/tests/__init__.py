"""The tests, and as `tests.support` what those of the repository share."""

from pathlib import Path

__path__.append(str(Path(__file__).parents[3] / "tests"))
