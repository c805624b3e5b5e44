"""New plugins: a complete distribution of each kind, from the templates beside this file."""

from batchwright.scaffold.distribution import KINDS, Scaffold

__all__ = ["KINDS", "Scaffold"]
