"""The settings of a run: their model, where they come from, and what is wrong with them."""

from batchwright.config.messages import explain
from batchwright.config.sections import chosen, section_of
from batchwright.config.settings import DEFAULT_TARGET, BatchConfig, check_collection, secrets_of
from batchwright.config.sources import PREFIX, load_config

__all__ = [
    "DEFAULT_TARGET",
    "PREFIX",
    "BatchConfig",
    "check_collection",
    "chosen",
    "explain",
    "load_config",
    "secrets_of",
    "section_of",
]
