"""Decides which web pages may use a service that browsers can reach.

A page that a user visits can send requests to the services on the user's own machine. Two headers,
which a page cannot forge, tell such requests apart. Origin names the page that asks (RFC 6454).
Host names the address that was asked for: a hostile page can let its own name point to this machine
("DNS rebinding"), and then Origin and Host agree, but the name is not one of ours.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from contract.errors import LapwingError, SettingError

__all__ = ["ForeignHostError", "ForeignOriginError", "WebAccess"]

EVERY_ORIGIN: Final = "*"


class ForeignHostError(LapwingError):
    """A request names a host that is not this service's."""


class ForeignOriginError(LapwingError):
    """A web page asks that may not use this service."""


@dataclass(frozen=True)
class WebAccess:
    """The names of this service's hosts, and the origins of the web pages that may use it.

    A host is always ours where it is an IP address, which no DNS server can point elsewhere, or
    localhost, or the name of this machine. A page of the service itself may always use it.
    """

    hosts: frozenset[str]
    """Further names of this machine, in lower case and without a port."""
    origins: frozenset[str]
    """Origins such as https://example.org, in lower case; "*" stands for all."""

    @classmethod
    def from_settings(cls, hosts: str, origins: str) -> Self:
        """Read the values of LAPWING_ALLOWED_HOSTS and LAPWING_CORS_ORIGINS.

        Args:
            hosts: names separated by commas, such as "inference, car.example.org".
            origins: origins separated by commas, such as "https://example.org", or "*".

        Raises:
            SettingError: a name holds a scheme, a port or a path, or an origin is none.
        """
        names = frozenset(_items(hosts))
        for name in names:
            if not name or any(mark in name for mark in "/:*@ "):
                raise SettingError(
                    "LAPWING_ALLOWED_HOSTS holds what is no name of a host",
                    got=repr(name),
                    remedy="Write names alone, separated by commas: car.example.org, not "
                    "https://car.example.org:8000/",
                )
        allowed = frozenset(item.rstrip("/") for item in _items(origins))
        for origin in allowed - {EVERY_ORIGIN}:
            if not _is_origin(origin):
                raise SettingError(
                    "LAPWING_CORS_ORIGINS holds what is no origin",
                    got=repr(origin),
                    remedy="Write origins with their scheme, separated by commas: "
                    "https://example.org, or http://localhost:3000",
                )
        return cls(names | {socket.gethostname().lower()}, allowed)

    def check(self, host: str | None, origin: str | None) -> None:
        """Check the two headers of a request; None where it has no such header.

        A request without Origin does not come from a page's script, and passes. A request without
        Host (HTTP/1.0) cannot come from a browser, and passes too.

        Raises:
            ForeignHostError: the host is not ours.
            ForeignOriginError: the page may not use this service.
        """
        if host is not None and not self._is_ours(host):
            raise ForeignHostError(
                "this service has no such host name",
                got=repr(host[:100]),
                remedy="Ask for it by its IP address, or list the name in LAPWING_ALLOWED_HOSTS",
            )
        if origin is not None and not self._may_use(origin.lower(), (host or "").lower()):
            raise ForeignOriginError(
                "this web page may not use the service",
                got=repr(origin[:100]),
                remedy="List its origin in LAPWING_CORS_ORIGINS if it may",
            )

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name = (parts.hostname or "").rstrip(".")
            _ = parts.port
        except ValueError:
            return False
        if parts.path or parts.query or parts.fragment or parts.username is not None:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _may_use(self, origin: str, host: str) -> bool:
        if EVERY_ORIGIN in self.origins or origin in self.origins:
            return True
        return bool(host) and origin in (f"http://{host}", f"https://{host}")


def _items(text: str) -> Iterable[str]:
    return (item.strip().lower() for item in text.split(",") if item.strip())


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and text == f"{parts.scheme}://{parts.netloc}"
        and "@" not in parts.netloc
    )
