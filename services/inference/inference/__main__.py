"""Runs inference: `python -m inference`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from typing import Final

import uvicorn

from contract.errors import LapwingError, ServiceError
from contract.settings import load, names
from inference.api.bounded_protocol import bounded
from inference.api.connection_table import ConnectionTable, raise_file_limit
from inference.app import create_app
from inference.settings import Settings

DRAIN_S: Final = 0.5
"""Time in seconds for which connections stay open after the service was told to end. A simulator
sends 15 frames a second, so each learns within this time that its connection will be closed."""
STOP_S: Final = 8
"""Time in seconds that answers in progress may take after that; Docker kills the service after
10 s."""


class DrainingServer(uvicorn.Server):
    """A server that answers its clients before it ends, and does not pause to collect garbage."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and leave what is loaded by then out of every later garbage collection.

        A full collection, which many new connections cause, took 60 ms with it. All frames wait
        meanwhile.
        """
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and close each after its next answer or after DRAIN_S.

        A connection that looks idle may have a request on its way, which would be lost if the
        connection were closed at once.
        """
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(DRAIN_S)
        await super().shutdown(sockets)


def main() -> int | str:
    """Serve until SIGTERM or Ctrl-C; return the exit status, or an error message for sys.exit."""
    argparse.ArgumentParser(
        prog="python -m inference",
        description="Predicts the steering of JPEG frames with the current model of the registry.",
        epilog=f"Settings: {names(Settings)}.",
    ).parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # They warn of every malformed form or request. That is the fault of the client, which gets an
    # answer, and which could fill the log.
    for name in ("python_multipart", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        settings = load(Settings, os.environ)
        app = create_app(settings)
        with _listen(settings) as listener:
            logging.getLogger("inference").info(
                "listening on http://%s:%d", *listener.getsockname()[:2]
            )
            # uvicorn shuts down on a signal, and then raises it again for the previous handler.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the address of the client is not used
                ws="none",
                loop="uvloop",  # by name: otherwise uvicorn uses a slower loop without a word
                http=bounded(ConnectionTable(raise_file_limit()), settings.max_body_bytes),
                timeout_graceful_shutdown=STOP_S,
            )
            server = DrainingServer(config)
            server.run(sockets=[listener])
            return 0 if server.started else 1
    except LapwingError as error:
        return f"inference: {error}"


def _listen(settings: Settings) -> socket.socket:
    """Open the port before anything is loaded, so that a port in use is reported at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=512)
        # Accepted sockets inherit this; asyncio sets it only on sockets that it created itself.
        # Without it each answer on a kept connection waits 40 ms until the client acknowledges
        # the answer before it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ServiceError(
            f"port {settings.port} on {settings.host} cannot be opened",
            got=error.strerror,
            remedy="End the program that listens there, or set LAPWING_INFERENCE_PORT to another "
            "port, or LAPWING_INFERENCE_HOST to an address of this machine",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
