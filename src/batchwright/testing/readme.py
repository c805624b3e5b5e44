"""Does a plugin's README say what there is to say?"""

from __future__ import annotations

from pathlib import Path

from batchwright.contracts.sink import AnySink, SinkOptions


def undocumented(sink: type[AnySink], options: type[SinkOptions], readme: Path) -> list[str]:
    """Return what a README lacks: a row for each option with its default, schemes, and limits.

    A row begins with the option's name in backticks; where a default is None, it says so in words.
    """
    text = readme.read_text("utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| `")}
    lacks = [f"the scheme {scheme}" for scheme in sink.schemes if f"{scheme}:///" not in text]
    for field, info in options.model_fields.items():
        if field == "url":
            continue
        name, default = info.alias or field, info.default
        row = rows.get(f"`{name}`")
        if row is None:
            lacks.append(f"the option {name}")
        elif default is not None and _shown(default) not in row:
            lacks.append(f"the default of {name}, {_shown(default)}")
    if f"{sink.limits.rows:,} records" not in text:
        lacks.append(f"the limit of {sink.limits.rows:,} records")
    if sink.limits.bytes is not None and f"{sink.limits.bytes >> 20} MiB" not in text:
        lacks.append(f"the limit of {sink.limits.bytes >> 20} MiB")
    return lacks


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
