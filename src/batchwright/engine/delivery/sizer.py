"""How large the next batch is to be: fixed by the settings, or asked of the plugins that size batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

from batchwright.config import BatchConfig
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import SinkLimits
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.engine.store.ceiling import Ceiling
from batchwright.values import dataclass

ROWS = 1_000
"""What suits a sink, at least, where records are no chunks: they are small, and there are many."""


@dataclass(frozen=True, slots=True)
class LastWrite:
    """What the sizers learn of the last write."""

    records: int = 0
    seconds: float = 0.0
    retried: bool = False
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Sizer:
    """How large batches are to be, for a writer and for a plan alike.

    Attributes:
        ask: The sizers' answer, within the limits.
        limits: The sink's limits.
        total_items: Records in all, as far as is known.
        adaptive: Whether the size may follow what the sink shows.
        fixed: The size that the user wants, or None.
        ceiling: What timed out; None for a plan, which knows nothing of it.
    """

    ask: Callable[[SizingFeedback, SizeLimits], int]
    limits: SizeLimits
    total_items: Callable[[], int]
    adaptive: bool = False
    fixed: int | None = None
    ceiling: Ceiling | None = None

    @classmethod
    def of(
        cls,
        config: BatchConfig,
        limits: SinkLimits,
        record_type: RecordType,
        ask: Callable[[SizingFeedback, SizeLimits], int],
        total_items: Callable[[], int],
        ceiling: Ceiling | None = None,
    ) -> Self:
        """Return what the settings and the sink say."""
        sizes = SizeLimits.of(limits)
        if not record_type.is_chunk:
            sizes = replace(sizes, preferred=max(sizes.preferred, min(ROWS, sizes.rows)))
        return cls(ask, sizes, total_items, config.adaptive, config.batch_size, ceiling)

    def rows(
        self,
        last_size: int = 0,
        last: LastWrite = LastWrite(),  # noqa: B008 - it is frozen
    ) -> int:
        """Return how many records the next batch holds, at most.

        Args:
            last_size: The size before; 0 for none.
            last: How its write went.
        """
        limits = self.ceiling.within(self.limits) if self.ceiling else self.limits
        if self.fixed is not None:
            return min(self.fixed, limits.rows)
        feedback = SizingFeedback(
            total_items=self.total_items(),
            adaptive=self.adaptive,
            last_size=last_size,
            last_records=last.records,
            last_seconds=last.seconds,
            last_retried=last.retried,
            too_large=last.too_large,
        )
        return self.ask(feedback, limits)


def writer_count(config: BatchConfig, limits: SinkLimits) -> int:
    """Return how many writers a process has."""
    return max(1, min(config.workers, limits.writers))
