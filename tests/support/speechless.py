"""An error that says nothing about itself."""

from __future__ import annotations


class Speechless(Exception):
    """An error whose message can't be had."""

    def __str__(self) -> str:
        raise RuntimeError("no message")
