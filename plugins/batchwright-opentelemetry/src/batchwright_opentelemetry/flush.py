"""Send what a provider still holds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

logger = logging.getLogger("batchwright.opentelemetry")


def flush(providers: Iterable[object], seconds: float) -> bool:
    """Ask each provider that can to send what it holds; return whether they did within so many seconds.

    In threads of their own, since an exporter may ignore its timeout.
    """
    threads = [
        threading.Thread(target=_flush, args=(provider, seconds), name="batchwright-flush", daemon=True)
        for provider in providers
        if hasattr(provider, "force_flush")  # the SDK's can; the API knows of no such thing
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    late = any(thread.is_alive() for thread in threads)
    if late:
        logger.warning("telemetry was not sent within %g s (flush_timeout), and may be lost", seconds)
    return not late


def _flush(provider: object, seconds: float) -> None:
    try:
        provider.force_flush(round(seconds * 1000))  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - it may be anyone's
        logger.warning("telemetry could not be sent: %s", type(error).__name__)
