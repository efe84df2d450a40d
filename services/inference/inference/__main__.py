"""Run inference: `python -m inference`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from typing import Final

import uvicorn

from contract.errors import LapwingError, ServiceError
from contract.settings import load, names
from inference.api.uvicorn_protocol import Joined
from inference.app import create_app
from inference.settings import Settings

DRAIN_S: Final = 0.5
"""A simulator asks 15 times a second, so each has been told by then."""
STOP_S: Final = 8
"""How long answers under way may take once the service is told to end; Docker waits for 10."""


class Draining(uvicorn.Server):
    """A server that lets its clients go before it ends, instead of cutting them off."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections; close each after its next answer, and the rest after DRAIN_S.

        A connection that only looks idle may have a request on its way: closed at once, that one
        would be lost.
        """
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(DRAIN_S)
        await super().shutdown(sockets)


def main() -> int | str:
    """Serve until SIGTERM or Ctrl-C; return what sys.exit takes."""
    argparse.ArgumentParser(
        prog="python -m inference",
        description="Answers JPEG frames with steering, by the registry's current model.",
        epilog=f"Settings: {names(Settings)}.",
    ).parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It warns of every malformed form, which is the client's fault and is answered.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    try:
        settings = load(Settings, os.environ)
        app = create_app(settings)
        with _listen(settings) as listener:
            logging.getLogger("inference").info(
                "listening on http://%s:%d", *listener.getsockname()[:2]
            )
            # uvicorn ends in order on a signal, and then raises it again for whoever had it before.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody asks whose request it was
                ws="none",
                loop="uvloop",  # by name: without it uvicorn takes a slower one, silently
                http=Joined,
                timeout_graceful_shutdown=STOP_S,
            )
            server = Draining(config)
            server.run(sockets=[listener])
            return 0 if server.started else 1
    except LapwingError as error:
        return f"inference: {error}"


def _listen(settings: Settings) -> socket.socket:
    """Open the port before anything is loaded, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=512)
        # Accepted sockets inherit it; asyncio sets it only on sockets that it made itself. Without
        # it each answer on a kept connection waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ServiceError(
            f"port {settings.port} on {settings.host} cannot be opened",
            got=error.strerror,
            remedy="End what listens there, or set LAPWING_INFERENCE_PORT to another port",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
