"""A plugin: error 4711 of our gateway means "come back in 30 s".

batchwright run docs/ --plugin examples/gateway_classifier.py
"""

from __future__ import annotations

import batchwright
from batchwright import ErrorRecoveryAction, Failure, Verdict


@batchwright.hookimpl
def classify_error(failure: Failure) -> Verdict | None:
    """Know error 4711; leave every other to the next classifier."""
    if "error 4711" in str(failure.error):
        return Verdict(ErrorRecoveryAction.RETRY, "the gateway is busy", wait=30.0)
    return None
