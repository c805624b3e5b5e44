"""The vectors in an answer, each put where its ``index`` says."""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any

from batchwright.plurals import counted
from batchwright_openai.refusals import WrongAnswer


def parsed(body: bytes) -> dict[str, Any]:
    """Return the answer's object.

    Raises:
        ConnectionError: The body is cut short.
        WrongAnswer: It is no JSON object.
    """
    try:
        said = json.loads(body)
    except RecursionError:
        raise WrongAnswer("the answer is nested too deep; is base_url right, and a proxy between?") from None
    except ValueError:  # also of bytes that are no text
        if body.lstrip()[:1] == b"{":
            raise ConnectionError("the answer is cut short or damaged") from None
        raise WrongAnswer("the answer is no JSON; is base_url right, and a proxy between?") from None
    if not isinstance(said, dict):
        raise WrongAnswer("the answer is no object of JSON; is base_url right?")
    return said


def used_tokens(said: dict[str, Any]) -> int | None:
    """Return the tokens that the server counted; None where it doesn't say, or says 0."""
    usage = said.get("usage")
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return counted if isinstance(counted, int) and counted > 0 else None


def placed(data: object, texts: int, dimensions: int) -> list[array[float]]:
    """Return vectors in the order of the texts.

    Raises:
        WrongAnswer: One is missing, double, or has another number of dimensions.
    """
    if not isinstance(data, list):
        raise WrongAnswer("the answer has no list `data`; is base_url right?")
    if len(data) != texts:
        raise WrongAnswer(f"{counted(len(data), 'vector')} for {counted(texts, 'text')}")
    found: dict[int, array[float]] = {}
    for row in data:
        index = row.get("index") if isinstance(row, dict) else None
        if index is None and texts == 1 and isinstance(row, dict):
            index = 0
        if type(index) is not int or not 0 <= index < texts:
            raise WrongAnswer(f"a vector with index {str(index)[:20]}, of {texts} texts")
        if index in found:
            raise WrongAnswer(f"two vectors with index {index}")
        found[index] = _numbers(row.get("embedding"))
        if len(found[index]) != dimensions:
            length = len(found[index])
            raise WrongAnswer(
                f"a vector of {length} numbers where {dimensions} are expected; if it is the model you mean, "
                f"set dimensions = {length}"
            )
    return [found[index] for index in range(texts)]


def _numbers(given: object) -> array[float]:
    """Return a vector's numbers; NaN for a null, as some servers write NaN."""
    try:
        if isinstance(given, str):
            numbers = array("f", base64.b64decode(given, validate=True))
            if sys.byteorder == "big":
                numbers.byteswap()
            return numbers
        if isinstance(given, list):
            return array("f", _without_null(given))
    except (TypeError, ValueError, OverflowError, binascii.Error):
        pass
    raise WrongAnswer("a vector is neither a list of numbers nor their bytes in base64")


def _without_null(given: Sequence[Any]) -> Sequence[float]:
    return given if None not in given else [math.nan if number is None else number for number in given]
