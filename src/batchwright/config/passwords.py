"""Which values of settings are passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from batchwright.secrets import MASK, masked_url, revealed, secrets_in

_NAMES = re.compile(r"passw|pwd|secret|token|key$|url$|dsn$|conninfo$", re.IGNORECASE)
"""Names of settings whose values count as passwords."""


def without_passwords(value: Any, name: str = "", *, hidden: bool = False) -> Any:
    """Return the value of a setting with `MASK` in place of the passwords that `passwords_in` yields.

    Args:
        value: The value.
        name: The setting's name.
        hidden: Whether a text in it counts as a password, whatever it is called.
    """
    hidden = hidden or bool(_NAMES.search(name))
    if isinstance(value, Mapping):
        return {key: without_passwords(inner, str(key), hidden=hidden) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_passwords(inner, hidden=hidden) for inner in value)
    if not isinstance(value, str):
        return value
    if "://" in value:
        return masked_url(revealed(value))
    return MASK if hidden and value else value


def passwords_in(value: Any, name: str = "", *, hidden: bool = False) -> Iterator[str]:
    """Yield the passwords in the value of a setting; tables and lists may hold them as well.

    Args:
        value: The value.
        name: The setting's name.
        hidden: Whether a text in it counts as a password, whatever it is called.
    """
    hidden = hidden or bool(_NAMES.search(name))
    if isinstance(value, SecretStr):
        value, hidden = value.get_secret_value(), True
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from passwords_in(inner, str(key), hidden=hidden)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from passwords_in(inner, hidden=hidden)
    elif isinstance(value, str) and "://" in value:
        yield from secrets_in(value)
    elif isinstance(value, str) and hidden:
        yield value
