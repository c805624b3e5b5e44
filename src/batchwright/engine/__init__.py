"""Carry out a run. Private: only the processor, operations, the CLI and the test kit may import it."""
