"""What a sizer receives: the limits of a batch, and figures of the last write."""

from __future__ import annotations

from batchwright.contracts.sink import SinkLimits
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """What the next batch may hold.

    Attributes:
        rows: Records, at most: the lower of the sink's and the user's limit.
        bytes: Bytes of text, at most, or None.
        preferred: Records that suit the sink.
    """

    rows: int
    bytes: int | None = None
    preferred: int = 32

    @classmethod
    def of(cls, limits: SinkLimits) -> SizeLimits:
        """Return what the limits of a sink mean for one batch."""
        return cls(limits.rows, limits.bytes, limits.preferred)


@dataclass(frozen=True, slots=True)
class SizingFeedback:
    """What is known when the next batch is sized.

    Attributes:
        total_items: Records in all, as far as is known; an estimate while documents are still being read.
        adaptive: Whether the user wants the size to follow the speed of the sink.
        last_size: The size asked for last, 0 before the first batch.
        last_records: Records in the batch written last, 0 before the first.
        last_seconds: How long that write took.
        last_retried: Whether it had to be repeated.
        too_large: Whether the sink refused the last batch for its size.
    """

    total_items: int
    adaptive: bool = False
    last_size: int = 0
    last_records: int = 0
    last_seconds: float = 0.0
    last_retried: bool = False
    too_large: bool = False
