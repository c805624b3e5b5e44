"""Dataclasses that are quick to define: a command that starts defines a hundred of them.

The standard library compiles six functions for each. Here one is, when the first instance is made; all other
methods are the same functions for every class.
"""

from __future__ import annotations

import dataclasses
import sys
from operator import attrgetter
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen=False, slots=False, eq=True, repr=True):  # noqa: A002 - the standard library's name
        """Make a dataclass of the class below, as `dataclasses.dataclass` does.

        It is quicker for a class that has no dataclass as a base. Not for fields that are an
        `InitVar` or given by keyword only.
        """

        def make(plain: type) -> type:
            if any(map(dataclasses.is_dataclass, plain.__bases__)):
                return dataclasses.dataclass(frozen=frozen, slots=slots, eq=eq, repr=repr)(plain)
            # without one, the standard library makes one of the signature, and compiles `__init__` for it
            plain.__doc__ = plain.__doc__ or plain.__name__
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(plain)
            made.__dataclass_params__.frozen = frozen
            methods = {"__init__": _Init(made, frozen)}
            if repr:
                methods["__repr__"] = _repr
            if eq:
                methods |= _comparing(made, hashable=frozen)
            if frozen:
                methods |= _FROZEN | (_SLOTTED if slots else {})
            for name, method in methods.items():
                if vars(plain).get(name) is None:
                    setattr(made, name, method)
            return made

        return make


class _Init:
    """Stands for a class's ``__init__`` until it is first asked for, and compiles it then."""

    def __init__(self, cls: type, frozen: bool) -> None:
        self._cls = cls
        self._is_frozen = frozen

    def __get__(self, instance: Any, owner: type) -> Any:
        init = self._cls.__init__ = _compiled(self._cls, self._is_frozen)  # type: ignore[misc]
        return init.__get__(instance, owner)


def _compiled(cls: type, is_frozen: bool) -> Any:
    """Return the ``__init__`` of a class: it sets each field to what is given, or to its default."""
    names: dict[str, Any] = {"_missing": dataclasses.MISSING}
    parameters, lines, types = ["self"], [], {}
    for field in dataclasses.fields(cls):
        name = value = field.name
        default = f"_default_{name}"
        if field.default_factory is not dataclasses.MISSING:
            names[default] = field.default_factory
            value = f"{default}() if {name} is _missing else {name}" if field.init else f"{default}()"
            default = "_missing"
        elif field.default is not dataclasses.MISSING:
            names[default] = field.default
            value = name if field.init else default
        else:
            default = ""
        if field.init:
            parameters.append(f"{name}={default}" if default else name)
            types[name] = field.type
        elif not default:
            continue
        if is_frozen:
            slot = vars(cls).get(name)
            if isinstance(slot, MemberDescriptorType):
                names[f"_set_{name}"] = slot.__set__
                lines.append(f"_set_{name}(self, {value})")
            else:
                names["_set"] = object.__setattr__
                lines.append(f"_set(self, {name!r}, {value})")
        else:
            lines.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n  ".join(lines or ["pass"])
    text = (
        f"def make({', '.join(names)}):\n def __init__({', '.join(parameters)}):\n  {body}\n return __init__"
    )
    made: dict[str, Any] = {}
    exec(text, vars(sys.modules[cls.__module__]), made)  # noqa: S102 - as the standard library does
    init = made["make"](**names)
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {**types, "return": None}
    return init


def _comparing(cls: type, *, hashable: bool) -> dict[str, Any]:
    """Return ``__eq__`` and ``__hash__`` of a class, by the values of its fields."""
    compared = [field.name for field in dataclasses.fields(cls) if field.compare]
    values = attrgetter(*compared) if compared else _nothing

    def equals(self: Any, other: Any) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": equals, "__hash__": hashed if hashable else None}


def _nothing(_value: Any) -> None:
    """Return what values without fields are compared by."""


@recursive_repr()
def _repr(self: Any) -> str:
    shown = [
        f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr
    ]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, values: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), values, strict=True):
        object.__setattr__(self, field.name, value)


_FROZEN = {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
_SLOTTED = {"__getstate__": _state, "__setstate__": _set_state}
