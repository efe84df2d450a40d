"""The head of a Ray cluster: its address, and whether it answers, asked without any part of Ray.

Ray's own client waits 40 s for a head that does not answer, and says neither which address it tried
nor what was found there. So the port is tried first. The server of a head speaks gRPC, which is
HTTP/2: whoever connects sends the preface and an empty frame of settings, and the server answers
with its own (RFC 9113, section 3.4).
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Final, Self

from contract.errors import ClusterError, SettingError
from contract.setting_forms import CLUSTER

__all__ = ["HeadAddress"]

PATIENCE_S: Final = 6.0
"""Time in seconds for which a head may be silent, as one that is just being started."""
TRY_S: Final = 2.0
"""Longest time in seconds of one attempt."""
PAUSE_S: Final = 0.25
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
FRAME_HEADER: Final = 9
"""Bytes of a header: three of the length, one of the type, one of flags, four of the stream."""
FRAME_TYPE: Final = 3
SETTINGS_FRAME: Final = 4


@dataclass(frozen=True)
class HeadAddress:
    """Host and port of a cluster's head; Ray calls the port that of the GCS."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return host:port, with an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that LAPWING_CLUSTER gives.

        Raises:
            SettingError: the text is no host and port.
        """
        try:
            host, _, port = CLUSTER.read(text).rpartition(":")
            return cls(host.removeprefix("[").removesuffix("]"), int(port))
        except ValueError as error:
            raise SettingError(
                "LAPWING_CLUSTER has a value it cannot take",
                got=f"{text!r} ({error})",
                remedy=f"It takes {CLUSTER.values}",
            ) from None

    def await_answer(self, patience_s: float = PATIENCE_S) -> str:
        """Wait until the head answers; return the address from which this machine reaches it.

        A node must announce an address that the others can reach. Ray asks a public address for
        the way there, which fails in a network without one; the way to the head is the right one.

        Raises:
            ClusterError: nothing answers at the address for that time, or what answers is no head.
        """
        began_s = time.monotonic()
        while True:
            try:
                return self._ask()
            except OSError as error:
                if time.monotonic() - began_s + PAUSE_S > patience_s:
                    raise ClusterError(
                        f"the head of the Ray cluster at {self} does not answer",
                        got=error.strerror or error,
                        remedy="LAPWING_CLUSTER must be the address of a running head "
                        "(docs/cluster.md). Without LAPWING_CLUSTER jobs run on this machine",
                    ) from error
            time.sleep(PAUSE_S)

    def _ask(self) -> str:
        """Connect once, and return the own address.

        Raises:
            OSError: it does not answer now.
            ClusterError: something else answers.
        """
        with socket.create_connection((self.host, self.port), TRY_S) as connection:
            own = str(connection.getsockname()[0])
            if os.environ.get("RAY_USE_TLS") == "1":  # it would first ask for a certificate
                return own
            connection.sendall(PREFACE)
            answer = b""
            while len(answer) < FRAME_HEADER and (more := connection.recv(64)):
                answer += more
        # A head that is just ending accepts a connection, and closes it.
        if not answer:
            raise ConnectionResetError("it closed the connection")
        if len(answer) < FRAME_HEADER or answer[FRAME_TYPE] != SETTINGS_FRAME:
            raise ClusterError(
                f"what answers at {self} is no head of a Ray cluster",
                got=repr(answer[:24]),
                remedy="LAPWING_CLUSTER must be the address of a head, whose usual port is 6379. "
                "Redis has the same one",
            )
        return own
