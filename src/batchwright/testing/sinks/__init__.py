"""The contract of a sink, as checks; one file a promise."""

from batchwright.testing.sinks.contract import SinkContract
from batchwright.testing.sinks.rig import Block, Damage, Faults, MakeSink, Sever
from batchwright.testing.sinks.vectors import VectorsContract

__all__ = ["Block", "Damage", "Faults", "MakeSink", "Sever", "SinkContract", "VectorsContract"]
