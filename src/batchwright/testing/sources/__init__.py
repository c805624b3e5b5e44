"""The contract of a source, as checks; one file a promise."""

from batchwright.testing.sources.contract import SourceContract
from batchwright.testing.sources.rig import Contents, MakeSource, Put, Remove

__all__ = ["Contents", "MakeSource", "Put", "Remove", "SourceContract"]
