"""What plugins offer as classes, by kind and name, and making them from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from batchwright.contracts.kinds import CONTRACTS
from batchwright.errors import ConfigError, PluginError
from batchwright.kinds import BY_NOUN, OFFERED, Kind
from batchwright.plugins.foreign import Foreign, async_methods
from batchwright.plugins.options import check_names, split_options, validated
from batchwright.secrets import mask, secrets_in


class Catalog:
    """What plugins offered, by key: name or scheme. Two that offer one key clash, and neither has it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, list[tuple[str, Any]]]] = {kind.noun: {} for kind in OFFERED}

    def add(self, offers: Iterable[tuple[Kind, Sequence[Any]]], owner: str) -> list[str]:
        """Add all that a plugin offers; return a line for each, such as ``sink postgres``.

        Raises:
            PluginError: One of them isn't what it should be; then none is added.
        """
        lines, keyed = [], []
        for kind, items in offers:
            if not kind.section:
                lines.append(kind.noun)
            for item in items:
                _check(item, kind)
                lines.append(f"{kind.noun} {item.name}")
                keyed += [(kind, key, item) for key in _keys(item, kind)]
        for kind, key, item in keyed:
            self._tables[kind.noun].setdefault(key, []).append((owner, item))
        return lines

    def clashes(self) -> Iterator[str]:
        """Yield what is wrong with each key that two offer."""
        for noun, table in self._tables.items():
            for key, offers in table.items():
                if len(offers) > 1:
                    yield _clash(noun, key, offers)

    def offered(self, noun: str) -> dict[str, Any]:
        """Return every class of a kind, by name; without those of which two have the name, or a scheme."""
        table = self._tables[noun]
        clashing = {id(item) for offers in table.values() if len(offers) > 1 for _, item in offers}
        items = [item for offers in table.values() for _, item in offers]
        return {item.name: item for item in items if id(item) not in clashing}

    def by_scheme(self, noun: str) -> dict[str, type[Any]]:
        """Return the classes of a kind by URL scheme."""
        return {scheme: cls for cls in self.offered(noun).values() for scheme in _schemes(cls)}

    def has_scheme(self, scheme: str) -> bool:
        """Tell whether a sink is offered for a scheme."""
        return scheme in self._tables["sink"]

    def _refuse_clash(self, noun: str, key: str) -> None:
        offers = self._tables[noun].get(key, [])
        if len(offers) > 1:
            raise PluginError(_clash(noun, key, offers))

    def make_by_scheme(
        self,
        noun: str,
        url: str,
        sections: Mapping[str, Mapping[str, Any]],
        left_out: list[str],
        *,
        complete: bool,
        said: Mapping[str, Any] | None,
    ) -> Any:
        """Return an instance of what the URL's scheme picks, such as a sink; see `PluginManager.make_sink`.

        Args:
            noun: Which kind.
            url: The target, or the source.
            sections: Options of all of the kind, by name.
            left_out: Names of plugins that are there, but not loaded.
            complete: Whether all others are loaded: then a section that belongs to none is a mistake.
            said: Settings that are options too, for a class that has them.
        """
        kind, offered = BY_NOUN[noun], self.by_scheme(noun)
        names = {*(cls.name for cls in offered.values()), *left_out}
        scheme = url.partition(":")[0].lower()
        self._refuse_clash(noun, scheme)
        for name in sections:
            self._refuse_clash(noun, name)
            if complete and name not in names:
                where = f"{kind.section}.{name}"
                raise ConfigError(f"{where}: no {noun} has this name{nearest(name, names)}")
        if ":" not in url or scheme not in offered:
            raise ConfigError(_unknown_scheme(kind, url, scheme, sorted(offered), left_out))
        for other in set(offered.values()) - {offered[scheme]}:
            where = f"{kind.section}.{other.name}"
            check_names(other.options_type, sections.get(other.name, {}), where)
        cls = offered[scheme]
        bare, parameters = split_options(url, cls.options_type, kind.choice)
        section = {"url": bare, **sections.get(cls.name, {}), **parameters}
        for name, value in (said or {}).items():
            if name in cls.options_type.model_fields and section.setdefault(name, value) != value:
                raise ConfigError(f"{name}: it is {value!r}, and {section[name]!r} for the {noun} {cls.name}")
        with Foreign(f"the {noun} {cls.name!r}", whatever=True, secrets=secrets_in(url)):
            return cls(validated(cls.options_type, section, f"{kind.section}.{cls.name}"))

    def make(self, noun: str, name: str, sections: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return an instance of the class of this name, with the options of its section.

        Raises:
            ConfigError: There is none, or an option is wrong.
            PluginError: Two plugins offer it, or making it raised what is no `Exception`.
        """
        cls, options = self.chosen(noun, name, sections)
        with Foreign(f"the {noun} {name!r}", whatever=True):
            return cls(options)

    def make_all(self, noun: str, sections: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Any]]:
        """Return an instance of every class of a kind, with its name and the options of its section.

        Raises:
            ConfigError: A section belongs to none, or an option is wrong.
            PluginError: Making one raised what is no `Exception`.
        """
        for name in sections:
            self.chosen(noun, name, sections)
        return [(name, self.make(noun, name, sections)) for name in self.offered(noun)]

    def chosen(self, noun: str, name: str, sections: Mapping[str, Mapping[str, Any]]) -> tuple[Any, Any]:
        """Return the class of this name, and its options.

        Args:
            noun: Which kind.
            name: Its name.
            sections: Options of all of the kind, by name.

        Raises:
            ConfigError: There is none, or an option is wrong.
            PluginError: Two plugins offer it.
        """
        offered, place = self.offered(noun), BY_NOUN[noun].section
        for wanted in (name, *sections):
            self._refuse_clash(noun, wanted)
            if wanted not in offered:
                more = f"; pip install {_NAMED[wanted]}" if wanted in _NAMED else ""
                raise ConfigError(
                    f"{place}.{wanted}: no {noun} has this name ({wanted}){nearest(wanted, offered)}{more}"
                    f"; installed: {', '.join(sorted(offered)) or 'none'}"
                )
        cls = offered[name]
        with Foreign(f"the {noun} {name!r}"):
            return cls, validated(cls.options_type, dict(sections.get(name, {})), f"{place}.{name}")


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


def _clash(noun: str, key: str, offers: Sequence[tuple[str, Any]]) -> str:
    owners = " and ".join(owner for owner, _ in offers)
    return f"both {owners} offer a {noun} for {key!r}; disable one of them"


def _required(contract: type) -> list[str]:
    """Return the attributes that a contract declares without a value."""
    declared = (name for base in reversed(contract.__mro__) for name in vars(base).get("__annotations__", ()))
    return [name for name in dict.fromkeys(declared) if not hasattr(contract, name)]


_TEXTS = ("schemes", "suffixes", "media_types")
"""Attributes that are several texts, in the classes of whatever kind has them."""


def _check(item: object, kind: Kind) -> None:
    contract = CONTRACTS[kind.noun]
    if not (isinstance(item, type) and issubclass(item, contract)):
        raise PluginError(
            f"it offers {item!r} as {kind.with_article}; offer a subclass of batchwright.{contract.__name__}"
        )
    said = f"the {kind.noun} {item.__name__}"
    for name in _required(contract):
        value = getattr(item, name, None)
        if value is None or (not value and name in ("name", "schemes")):
            raise PluginError(f"{said} has no {name}; say `{name} = …` in the class")
        if name == "name" and not isinstance(value, str):
            raise PluginError(f"{said} has the name {value!r}, which must be a text")
    for name in _TEXTS:
        value = getattr(item, name, ())
        if not isinstance(value, tuple | list) or not all(isinstance(text, str) for text in value):
            raise PluginError(f"{said} has the {name} {value!r}, which must be a tuple of texts")
    base, options = contract.options_type, getattr(item, "options_type", None)
    if not (isinstance(options, type) and issubclass(options, base)):
        raise PluginError(
            f"the {kind.noun} {item.__name__} has options that are no {base.__name__}; "
            f"derive {options!r} from batchwright.{base.__name__}"
        )
    for method in async_methods(item):
        raise PluginError(
            f"the {kind.noun} {item.__name__} has an async {method}, which is called, not awaited; "
            f"make it a plain method"
        )


def _unknown_scheme(kind: Kind, url: str, scheme: str, installed: list[str], left_out: list[str]) -> str:
    hint = f"; not loaded: {', '.join(left_out)} (see `batchwright plugins`)" if left_out else ""
    shown = f" {mask(url)!r}" if "@" not in url else ""  # it may be a URL whose scheme was forgotten
    what = f"no {kind.noun} for {scheme!r}" if "://" in url else f"the {_URLS[kind.noun]}{shown} is not a URL"
    more = f"pip install {_OURS[scheme]}" if scheme in _OURS else "pip install, or --plugin"
    known = f"installed: {', '.join(installed) or 'none'}; more come as plugins ({more})"
    return f"{kind.choice}: {what}{nearest(scheme, installed)}; {known}{hint}"


_OURS = {
    **dict.fromkeys(("s3", "gs", "gcs", "az", "abfs", "http", "https", "sftp"), "batchwright-fsspec"),
    **dict.fromkeys(("postgresql+query", "dbapi+query"), "batchwright-tables"),
    "duckdb": "batchwright-duckdb",
    "parquet": "batchwright-parquet",
}
"""The distributions of our own plugins, by scheme."""

_NAMED = {
    name: f"batchwright-{name}"
    for name in ("dask", "model2vec", "openai", "opentelemetry", "prometheus", "report")
}
"""The distributions of our own plugins that are chosen by name."""

_URLS = {"sink": "target", "source": "source"}
"""What the URL is called that picks one of a kind."""
