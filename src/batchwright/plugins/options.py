"""From a target and a section of the settings to the options of a plugin."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from batchwright.config import in_lines
from batchwright.contracts.plugin import PluginOptions
from batchwright.errors import ConfigError
from batchwright.secrets import ADVICE, is_ambiguous, revealed


def split_options(url: str, options: type[PluginOptions], setting: str) -> tuple[str, dict[str, str]]:
    """Take from the URL's query what are options of the plugin; the rest stays, for its driver.

    Args:
        url: The target, or the source.
        options: The options.
        setting: The setting that holds the URL, for messages.

    Raises:
        ConfigError: It is not a URL, or what stands in it would be read as something else.
    """
    url = revealed(url)
    if any(letter in url for letter in "\t\r\n"):  # urlsplit drops them
        raise ConfigError(f"{setting}: the URL has a line end or a tab in it; write %0A, or %20 for a space")
    if is_ambiguous(url):
        raise ConfigError(f"{setting}: the URL's password can't be told from its host; {ADVICE}")
    parts = urlsplit(url)
    names = {name for field, info in options.model_fields.items() for name in (field, info.alias) if name}
    mine: dict[str, str] = {}
    rest: list[str] = []
    for parameter in filter(None, parts.query.split("&")):
        [(key, value)] = parse_qsl(parameter, keep_blank_values=True)
        if key in mine:
            raise ConfigError(f"{setting}: the URL says {key} twice; leave one out")
        if key in names - {"url"}:
            mine[key] = value
        else:  # as it is: drivers differ in what they read from a plus sign
            rest.append(parameter)
    if not mine:
        return url, {}
    if parts.fragment:
        raise ConfigError(f"{setting}: the URL's options end at its '#'; write %23 where it belongs to one")
    bare = urlunsplit(parts._replace(query="&".join(rest)))
    # urlunsplit drops the empty authority of sqlite:///path
    if url.startswith(f"{parts.scheme}:///") and not bare.startswith(f"{parts.scheme}:///"):
        bare = bare.replace(f"{parts.scheme}:/", f"{parts.scheme}:///", 1)
    return bare, mine


def check_names(model: type[PluginOptions], section: Mapping[str, Any], where: str) -> None:
    """Check the names of options that this run does not use: a misspelt one is a mistake there as well.

    Raises:
        ConfigError: An option has no such name.
    """
    known = [info.alias or field for field, info in model.model_fields.items()]
    for name in section:
        if name not in known and name not in model.model_fields:
            match = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {match[0]}?" if match else ""
            raise ConfigError(f"{where}.{name}: no such setting{hint}")


Model = TypeVar("Model", bound=PluginOptions)


def validated(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Return the options as their model; `where` is the section, for messages.

    Raises:
        ConfigError: A value is wrong, or an option has no such name.
    """
    try:
        return model(**values)
    except ConfigError as error:
        if not error.complaints:
            raise
        raise ConfigError(in_lines(error.complaints, where), error.complaints) from None
