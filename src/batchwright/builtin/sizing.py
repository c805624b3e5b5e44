"""The built-in sizer: `calculate_batch_size`, and a size that follows the sink if that is wanted."""

from __future__ import annotations

from batchwright.batching import calculate_batch_size
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.sizing import SizeLimits, SizingFeedback

QUICK = 0.2
"""Seconds: a full batch that was written faster than this may be followed by one twice as large."""

SLOW = 2.0
"""Seconds: a batch that took longer is followed by one half as large."""

CEILING = 2_000
"""Records: beyond this, larger batches were measured to gain nothing (Postgres and SQLite, 1.6 KB rows)."""

TIMES_PREFERRED = 10
"""What suits a sink is 32 of chunks, but 1,000 of rows, which are small: a batch may grow to ten times that.

In SQLite each batch of them writes most pages of the indexes anew, however many rows it has.
"""


@hookimpl(trylast=True)
def batch_size(feedback: SizingFeedback, limits: SizeLimits) -> int:
    """Start from the heuristic; when adaptive, double after quick full batches, halve after trouble."""
    if not feedback.adaptive or not feedback.last_size:
        return calculate_batch_size(feedback.total_items, limits.preferred)
    size = feedback.last_size
    if feedback.too_large or feedback.last_retried or feedback.last_seconds > SLOW:
        return max(1, min(size, feedback.last_records) // 2)
    if feedback.last_records >= size and feedback.last_seconds < QUICK:
        ceiling = max(CEILING, TIMES_PREFERRED * limits.preferred)
        return max(size, min(size * 2, ceiling, limits.rows))
    return size
