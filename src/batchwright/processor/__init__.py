"""The way in for programs: `BatchProcessor`, in the parts that it is made of."""

from batchwright.processor.processor import BatchProcessor

__all__ = ["BatchProcessor"]
