"""Keep passwords out of all output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from batchwright.interrupts import is_by_signal

MASK = "***"

_ROW_VALUES = re.compile(r"(?P<head>^.*?\)=\(|^[^(]*\()(?P<values>.*)(?P<tail>\).*$)", re.DOTALL)
"""``Failing row contains (1, …).``, ``Key (id, name)=(1, …) already exists.``"""
_LINE_VALUES = re.compile(r"(?P<head>\bCOPY [^\n]*?: \")(?P<values>.*)(?P<tail>\")", re.DOTALL)
"""``COPY fruit, line 3, column price: "…"``"""

_OWN_FUNCTION = re.compile(r"_e?(?:before|after|write)_[0-9a-f]{8}\(")
"""A function that the Postgres sink makes: its parameters are longer than all that is said of an error."""

_USERINFO = re.compile(r"(?P<head>[\w+.\-]://[^\s:/@'\"]*:)(?:(?!://)[^\s'\"])*(?=@)")
"""To the last ``@``, since a password may hold one, and ``/ # ?`` as well, where nobody wrote ``%40``.

One character of the scheme is enough: searching its beginning takes quadratic time in a long word.
"""
_HOST = r"(?:\[[^\]]*\]|[^:,\[\]]*)(?::\d*)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")
_OPEN_USERINFO = re.compile(r"[\w+.\-]+://[^:/@]*:(?P<password>.*)@", re.DOTALL)
_LONE_USER = re.compile(r"(?P<head>\bhttps?://)[^\s:/@'\"?#]+(?=@)", re.IGNORECASE)
"""A user without a password: over HTTP that is how a token is given."""
_KEYS = (
    r"(?:\b|_)(?:password|passwd|pwd|passfile|sslpassword|token|secret|api_?key"
    r"|signature|sig|sharedaccesssignature|account_?key|secret_access_key)"  # of stores, and presigned URLs
)
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
    text = _LONE_USER.sub(rf"\g<head>{MASK}", text)
    return _PARAMETER.sub(rf"\g<head>{MASK}", text)


_LONGEST = 32 * 1024
"""Characters of a message that are shown."""


def describe(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """Return the message of an error and its notes, masked; the class where it has no message, or raises.

    One that is very long is cut: masking takes its time, and it is kept with every record that it is about.
    """
    try:
        text = _without_values(error, str(error)).strip()
        notes = [note for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
    except BaseException as raised:
        if is_by_signal(raised):
            raise
        text, notes = "", []
    text = "; ".join(filter(None, [text, *notes]))
    text = mask(text[: 2 * _LONGEST] or type(error).__name__, secrets)  # a password at the cut is whole
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _without_values(error: BaseException, text: str) -> str:
    """Cut the values of a row from what a database says of it; they may be anything, and the reject has them.

    Cut our own statements as well: they say nothing to whoever reads it.

    The words are the server's, in its language; where in them the values are is not.
    """
    diagnosis = getattr(error, "diag", None)  # of psycopg
    if _OWN_FUNCTION.search(getattr(diagnosis, "context", None) or ""):  # then the statement is ours as well
        parts = (getattr(diagnosis, f"message_{part}", None) for part in ("primary", "detail", "hint"))
        text = "\n".join(filter(None, parts))
    for part, values in (("message_detail", _ROW_VALUES), ("context", _LINE_VALUES)):
        said = getattr(diagnosis, part, None)
        if isinstance(said, str) and said:
            text = text.replace(said, values.sub(r"\g<head>…\g<tail>", said))
    return text


def secrets_in(url: str) -> tuple[str, ...]:
    """Return the passwords that a URL holds, raw and decoded, so that `mask` finds them anywhere."""
    try:
        parts = urlsplit(url)
        by_user = parts.username if parts.scheme in ("http", "https") else None
        found, query = list(filter(None, [parts.password or by_user])), parts.query
    except ValueError:
        found, query = [], url.partition("?")[2]
    if is_ambiguous(url) and (userinfo := _OPEN_USERINFO.match(url)):
        # not written as it must be; a driver may take any part of it for a host or a port, and say so
        password = userinfo.group("password")
        found += [password, *(part for part in re.split(r"[/@#?:]", password) if part)]
    found += [match.group(0)[len(match.group("head")) :].strip("'\"") for match in _PARAMETER.finditer(query)]
    return tuple(dict.fromkeys(form for secret in found for form in (secret, unquote(secret)) if form))


ADVICE = "in a password write / @ : # ? % [ ] as %2F %40 %3A %23 %3F %25 %5B %5D"
"""What to do about a URL whose password is taken for something else."""


def is_ambiguous(url: str) -> bool:
    """Whether a URL's password can't be told from its host, for characters that have to be written as %40."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    user, at, host = parts.netloc.rpartition("@")
    behind = "@" in parts.path + parts.fragment
    if at:
        return "@" in user or behind
    if not _HOSTS.fullmatch(host):
        return "@" in url
    return behind and ":" in host


class TargetUrl(str):
    """A URL that shows its password neither in `str` nor in a `repr`; drivers get it from `revealed`."""

    __slots__ = ()

    def __str__(self) -> str:
        return masked_url(revealed(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return repr(str(self))


def revealed(url: str) -> str:
    """Return a URL as it was given, with its password."""
    return str.__str__(url)


def masked_url(url: str, secrets: Iterable[str] = ()) -> str:
    """Return a URL without its password, and without `secrets`."""
    return mask(revealed(url), (*secrets, *secrets_in(revealed(url))))
