"""Keeps the tests on this machine."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


def is_loopback(host: str) -> bool:
    """Whether a host, by name or by address, is this machine; no name but localhost is looked up."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("", "localhost")


def refuse_foreign_connections(patch: pytest.MonkeyPatch) -> None:
    """Fails the test that opens a stream to another machine from Python (a C library's aren't seen).

    It fails by an exception that no `except Exception` swallows. Connecting a datagram socket sends nothing,
    and is how libraries ask for their own address.
    """

    def guarded(name: str) -> Any:
        connect = getattr(socket.socket, name)

        def guard(self: socket.socket, address: Any) -> Any:
            internet = self.family in (socket.AF_INET, socket.AF_INET6)
            if internet and self.type == socket.SOCK_STREAM and not is_loopback(address[0]):
                pytest.fail(f"a test connects to {address[0]}: tests stay on the loopback")
            return connect(self, address)

        return guard

    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, guarded(name))
