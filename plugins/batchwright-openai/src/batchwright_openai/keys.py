"""The key: where it comes from."""

from __future__ import annotations

import os

from batchwright import ConfigError
from batchwright_openai.options import OpenAIOptions

OPENAI = "OPENAI_API_KEY"
AZURE = "AZURE_OPENAI_API_KEY"


def key_of(options: OpenAIOptions) -> str:
    """Return the key; empty where there is none, as many servers need none.

    A key of OpenAI's in the environment goes to OpenAI alone, whatever the base URL is.

    Raises:
        ConfigError: What should hold it doesn't, or it is no key.
    """
    if options.api_key is not None:
        return _checked(options.api_key.get_secret_value(), "api_key")
    if (file := options.api_key_file) is not None:
        try:
            return _checked(file.read_text("utf-8"), f"the key in {file}")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"can't read the key in {file}: {type(error).__name__}") from None
    if (name := options.api_key_env) is not None:
        return _checked(os.environ.get(name, ""), f"the key in the environment variable {name}")
    if options.is_azure:
        name = AZURE
    elif options.hostname == "api.openai.com":
        name = OPENAI
    else:
        return ""
    if not (key := os.environ.get(name, "")):
        raise ConfigError(
            f"{options.hostname} wants a key: set {name}, or api_key, api_key_file or api_key_env in "
            "[embedders.openai]"
        )
    return _checked(key, name)


def _checked(key: str, what: str) -> str:
    key = key.strip()
    if not key:
        raise ConfigError(f"{what} is empty")
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{what} has characters that no key has")
    return key
