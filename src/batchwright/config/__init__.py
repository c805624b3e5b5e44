"""The settings of a run: their model, where they come from, and what is wrong with them."""

from batchwright.config.loaded import load_config, load_what_is_right
from batchwright.config.messages import in_lines
from batchwright.config.model import Settings
from batchwright.config.places import located
from batchwright.config.sections import chosen, section_of
from batchwright.config.settings import DEFAULT_TARGET, BatchConfig, check_collection, secrets_of
from batchwright.config.sources import PREFIX

__all__ = [
    "DEFAULT_TARGET",
    "PREFIX",
    "BatchConfig",
    "Settings",
    "check_collection",
    "chosen",
    "in_lines",
    "load_config",
    "load_what_is_right",
    "located",
    "secrets_of",
    "section_of",
]
