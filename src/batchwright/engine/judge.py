"""What to do about a failure: the operator's word first, then the classifiers'."""

from __future__ import annotations

from batchwright.config import BatchConfig
from batchwright.contracts.failure import Decision, Failure, Verdict
from batchwright.plugins.manager import PluginManager


def decide(failure: Failure, config: BatchConfig, manager: PluginManager) -> Decision:
    """Return what the settings say of the failure's SQLSTATE, or its class; else what the plugins say."""
    state = failure.sqlstate
    if state:
        for key in (state, state[:2]):
            if key in config.sqlstates:
                verdict = Verdict(config.sqlstates[key], f"the settings say so of SQLSTATE {key}")
                return Decision(verdict, "settings")
    return manager.classify(failure)
