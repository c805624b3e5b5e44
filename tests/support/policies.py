"""How patient delivery is in tests: as the settings say, but nearly without waiting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchwright import BatchConfig
from batchwright.engine.store.policy import DeliveryPolicy


def quick(config: BatchConfig, *, wait: float = 0.0, **others: Any) -> DeliveryPolicy:
    """Return what the settings say, with short waits.

    Args:
        config: The settings.
        wait: Seconds before every retry.
        others: Fields of the policy that a test is about.
    """
    policy = DeliveryPolicy.of(config)
    retries = replace(policy.retries, base=wait, cap=wait)
    farewell = replace(policy.farewell, base=wait)
    return replace(policy, **{"retries": retries, "farewell": farewell, "first_probe": 0.05, **others})
