"""What work on a target is set up with, whoever wants it done: a run, a load, a worker, or a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from batchwright.config import BatchConfig
from batchwright.contracts.stop import Stop
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.plugins.manager import PluginManager
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Setup:
    """What a piece of work is given from outside.

    Attributes:
        config: The settings.
        manager: The plugins.
        policy: Settings of delivery.
        dispatcher: Where events go.
        stop: Ends the work early.
        on_stored: Called with the ids of records that are committed, by the thread that wrote them.
    """

    config: BatchConfig
    manager: PluginManager
    policy: DeliveryPolicy
    dispatcher: Dispatcher = field(default_factory=Dispatcher)
    stop: Stop = field(default_factory=Stop)
    on_stored: Callable[[list[str]], None] = lambda _: None
