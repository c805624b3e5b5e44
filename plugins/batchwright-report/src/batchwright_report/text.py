"""Text that others wrote, as HTML: nothing in it is obeyed, hidden or secret, and none of it is long."""

from __future__ import annotations

from html import escape

from batchwright.secrets import mask
from batchwright.visible import one_line

KEY = 160
MESSAGE = 240
"""Characters that are shown, at most."""


def message(text: str, longest: int = MESSAGE) -> str:
    """Return a message on one line, without secrets, cut at its end; not escaped yet."""
    text = mask(text)  # all of it: a part of a URL doesn't look like one
    shown = one_line(text[: longest + 1])
    return shown if len(text) <= longest >= len(shown) else f"{shown[: longest - 1]}…"


def key(text: str, longest: int = KEY) -> str:
    """Return a name likewise, cut in its middle: the end of a path says most."""
    text = mask(text)
    shown = one_line(text) if len(text) <= longest else ""
    if not text or 0 < len(shown) <= longest:
        return shown
    half = (longest - 1) // 2
    return f"{one_line(text[:half])[:half]}…{one_line(text[-half:])[-half:]}"


def html(text: str) -> str:
    """Return text for HTML, outside of tags; its direction concerns nothing around it."""
    return f"<bdi>{escape(text, quote=False)}</bdi>" if text else ""


def code(text: str) -> str:
    """Return a name for HTML."""
    return f"<code>{html(text)}</code>" if text else ""
