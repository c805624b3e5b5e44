"""The contract of a sink, as checks; one file a promise."""

from batchwright.testing.sinks.contract import SinkContract
from batchwright.testing.sinks.rig import Block, Faults, MakeSink, Sever

__all__ = ["Block", "Faults", "MakeSink", "Sever", "SinkContract"]
