"""What plugins offer as classes, by kind and name, and making them from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from batchwright.contracts.kinds import CONTRACTS
from batchwright.contracts.sink import AnySink
from batchwright.errors import ConfigError, PluginError
from batchwright.kinds import BY_NOUN, OFFERED, Kind
from batchwright.plugins.options import check_names, split_options, validated
from batchwright.secrets import mask


class Catalog:
    """What plugins offered, by key: the first to offer a key has it, a second is a clash."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, tuple[str, Any]]] = {kind.noun: {} for kind in OFFERED}
        self._clashes: list[str] = []

    def add(self, kind: Kind, offered: Iterable[Any], owner: str) -> list[str]:
        """Add what a plugin offers of a kind; return a line for each, such as ``sink postgres``.

        Raises:
            PluginError: One of them isn't what it should be; then none is added.
        """
        table = self._tables[kind.noun]
        items = list(offered)
        for item in items:
            _check(item, kind)
            for key in _keys(item, kind):
                if key in table:
                    self.clash(
                        f"both {table[key][0]} and {owner} offer a {kind.noun} for {key!r}; "
                        f"disable one of them"
                    )
        for item in items:
            for key in _keys(item, kind):
                table.setdefault(key, (owner, item))
        return [f"{kind.noun} {item.name}" for item in items]

    def clash(self, message: str) -> None:
        """Note that two plugins clash: every later request raises PluginError with this message."""
        self._clashes.append(message)

    def offered(self, noun: str) -> dict[str, Any]:
        """Return every class of a kind, by name.

        Raises:
            PluginError: Two plugins clash.
        """
        return {item.name: item for item in self._by_key(noun).values()}

    def sinks(self) -> dict[str, type[AnySink]]:
        """Return the sinks by URL scheme; raises as `offered` does."""
        return {key: sink for key, sink in self._by_key("sink").items() if key in _schemes(sink)}

    def _by_key(self, noun: str) -> dict[str, Any]:
        if self._clashes:
            raise PluginError("; ".join(self._clashes))
        return {key: item for key, (_, item) in self._tables[noun].items()}

    def make_sink(self, url: str, sections: Mapping[str, Mapping[str, Any]], left_out: list[str]) -> AnySink:
        """Return the sink that the URL's scheme picks; see `PluginManager.make_sink`.

        Args:
            url: The target.
            sections: Options of the sinks, by the sink's name.
            left_out: Names of plugins that are there, but not loaded.
        """
        sinks = self.sinks()
        names = {*(sink.name for sink in sinks.values()), *left_out}
        for name in sections:
            if name not in names:
                raise ConfigError(f"sink.{name}: no sink has this name{nearest(name, names)}")
        scheme = url.partition(":")[0].lower()
        if ":" not in url or scheme not in sinks:
            raise ConfigError(_unknown_scheme(url, scheme, sorted(sinks), left_out))
        for other in set(sinks.values()) - {sinks[scheme]}:
            check_names(other.options_type, sections.get(other.name, {}), f"sink.{other.name}")
        sink = sinks[scheme]
        bare, parameters = split_options(url, sink.options_type)
        section = {"url": bare, **sections.get(sink.name, {}), **parameters}
        return sink(validated(sink.options_type, section, f"sink.{sink.name}"))

    def make(self, noun: str, name: str, sections: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return an instance of the class of this name, with the options of its section.

        Args:
            noun: Which kind.
            name: Its name.
            sections: Options of all of the kind, by name.

        Raises:
            ConfigError: There is none, or an option is wrong.
        """
        offered, place = self.offered(noun), BY_NOUN[noun].section
        for wanted in (name, *sections):
            if wanted not in offered:
                raise ConfigError(
                    f"{place}.{wanted}: no {noun} has this name ({wanted}){nearest(wanted, offered)}"
                    f"; installed: {', '.join(sorted(offered)) or 'none'}"
                )
        cls = offered[name]
        return cls(validated(cls.options_type, dict(sections.get(name, {})), f"{place}.{name}"))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the known name most like `name` is meant, or nothing."""
    match = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {match[0]!r}?" if match else ""


def _schemes(item: type[Any]) -> tuple[str, ...]:
    return tuple(scheme.lower() for scheme in item.schemes)


def _keys(item: type[Any], kind: Kind) -> tuple[str, ...]:
    """Return what no other class of the kind may have: its name and its schemes."""
    schemes = _schemes(item) if kind.by_scheme else ()
    return tuple(dict.fromkeys((*schemes, item.name)))


def _check(item: object, kind: Kind) -> None:
    contract = CONTRACTS[kind.noun]
    if not (isinstance(item, type) and issubclass(item, contract)):
        raise PluginError(
            f"it offers {item!r} as a {kind.noun}; offer a subclass of batchwright.{contract.__name__}"
        )
    for name in ("name", "schemes") if kind.by_scheme else ("name",):
        if not getattr(item, name, None):
            raise PluginError(f"the {kind.noun} {item.__name__} has no {name}; say `{name} = …` in the class")
    base, options = contract.options_type, getattr(item, "options_type", None)
    if not (isinstance(options, type) and issubclass(options, base)):
        raise PluginError(
            f"the {kind.noun} {item.__name__} has options that are no {base.__name__}; "
            f"derive {options!r} from batchwright.{base.__name__}"
        )


def _unknown_scheme(url: str, scheme: str, installed: list[str], left_out: list[str]) -> str:
    hint = f"; not loaded: {', '.join(left_out)} (see `batchwright plugins`)" if left_out else ""
    shown = f" {mask(url)!r}" if "@" not in url else ""  # it may be a URL whose scheme was forgotten
    what = f"no sink for {scheme!r}" if "://" in url else f"the target{shown} is not a URL"
    known = f"installed: {', '.join(installed) or 'none'}; more come as plugins (pip install, or --plugin)"
    return f"to: {what}{nearest(scheme, installed)}; {known}{hint}"
