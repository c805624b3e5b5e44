"""Keep passwords out of all output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from batchwright.interrupts import is_by_signal

MASK = "***"

_USERINFO = re.compile(r"(?P<head>[\w+.\-]://[^\s:/@'\"]*:)[^\s/'\"]*(?=@)")
"""One character of the scheme is enough: searching its beginning takes quadratic time in a long word."""
_USERINFO_OF_ANY = re.compile(r"^(?P<head>[\w+.\-]+://[^\s:/@]*:).*(?=@)", re.DOTALL)
_KEYS = r"(?:\b|_)(?:password|passwd|pwd|passfile|sslpassword|token|secret|api_?key)"
_PARAMETER = re.compile(
    rf"(?P<head>{_KEYS}['\"]?\s*=\s*|{_KEYS}['\"]\s*:\s*(?=['\"]))"
    r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s&;,)'\"]+)",
    re.IGNORECASE,
)
"""``password=…``, and ``"password": "…"``; a colon without quotes is prose."""


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with passwords in URLs and ``password=…`` settings masked, and every one of `secrets`."""
    for secret in sorted((s for s in secrets if len(s) >= 3), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USERINFO.sub(rf"\g<head>{MASK}", text)
    return _PARAMETER.sub(rf"\g<head>{MASK}", text)


def mask_url(url: str, secrets: Iterable[str] = ()) -> str:
    """Return a URL with its password masked, also one that is wrong as the password isn't percent-encoded.

    What stands between the user and the last "@" is taken for the password then, wherever it is.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number, but perhaps half a password
        may_have_one = "@" in parts.netloc
    except ValueError:
        may_have_one = True
    return mask(_USERINFO_OF_ANY.sub(rf"\g<head>{MASK}", url) if may_have_one else url, secrets)


def describe(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """Return the message of an error, masked; the name of its class where it has none, or raises at it."""
    try:
        text = str(error).strip()
    except BaseException as raised:
        if is_by_signal(raised):
            raise
        text = ""
    return mask(text or type(error).__name__, secrets)


def secrets_in(url: str) -> tuple[str, ...]:
    """Return the passwords that a URL holds, raw and decoded, so that `mask` finds them anywhere."""
    try:
        parts = urlsplit(url)
        found = [parts.password] if parts.password else []
    except ValueError:
        return ()
    found += [
        match.group(0)[len(match.group("head")) :].strip("'\"") for match in _PARAMETER.finditer(parts.query)
    ]
    return tuple(dict.fromkeys(form for secret in found for form in (secret, unquote(secret)) if form))


class TargetUrl(str):
    """A URL that shows its password to code that asks for the string, but not in a `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(mask_url(str(self), secrets_in(self)))
