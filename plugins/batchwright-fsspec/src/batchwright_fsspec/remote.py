"""What all sources of this package have in common."""

from __future__ import annotations

from typing import TypeVar

from batchwright import Source, SourceLimits
from batchwright_fsspec.options import RemoteOptions

Options = TypeVar("Options", bound=RemoteOptions)


class RemoteSource(Source[Options]):
    """A source with limits from its options.

    It selects itself, since what a URL names as a whole is wanted whatever its name is.
    """

    selects = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.limits = SourceLimits(options.at_once, options.requests_a_minute)

    @property
    def url(self) -> str:
        """The URL, with whatever secrets are in it."""
        return self.options.url.get_secret_value()


def is_within(key: str, after: str, until: str | None) -> bool:
    """Tell whether a listing from `after` to `until` has a key."""
    return key > after and (until is None or key <= until)
