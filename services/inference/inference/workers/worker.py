"""A worker process decodes frames and computes their steering, one frame after the other.

It is started as `python -m inference.workers.worker`.

A process and not a thread: under load the threads of one process take turns on the interpreter's
lock, and the one that refuses frames wins. And a picture or a model that kills its decoder takes
one lane with it, not the service.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import cv2

from contract.errors import LapwingError, ModelError
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import policy
from contract.policy.litert import LiteRT
from contract.policy.policy import LoadedPolicy
from inference.workers import protocol
from inference.workers.protocol import Steered

log = logging.getLogger(__name__)


class Lane:
    """The models that a lane has loaded."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pilots: dict[int, LoadedPolicy] = {}

    def answer(self, kind: int, version: int, payload: bytes) -> bytes:
        """Do what is asked; return the reply, whatever happens."""
        try:
            return protocol.reply(protocol.DONE, self._do(kind, version, payload))
        except LapwingError as error:
            return protocol.reply(protocol.REFUSED, protocol.refusal(error))
        except Exception:  # whatever a strange file makes a library raise
            log.exception("a lane failed")
            return protocol.reply(protocol.FAILED)

    def _do(self, kind: int, version: int, payload: bytes) -> bytes:
        if kind == protocol.FRAME:
            return self._steer(self._pilots[version], payload).pack()
        if kind == protocol.LOAD:
            self._pilots[version] = self._load(version)
        elif kind == protocol.CHECK:
            self._pilots[version].check()
        else:
            self._pilots.pop(version, None)
        return b""

    def _load(self, version: int) -> LoadedPolicy:
        try:
            return policy.load(self._registry, version, LiteRT)
        except LapwingError:
            raise
        except Exception as error:  # whatever a strange file makes a library raise
            log.exception("refused model version %d", version)
            raise ModelError(
                f"model version {version} cannot be loaded",
                got=f"{type(error).__name__}: {error}",
            ) from error

    def _steer(self, driving: LoadedPolicy, jpeg: bytes) -> Steered:
        began_s = time.perf_counter()
        pixels = preprocess.decode(jpeg)
        decoded_s = time.perf_counter()
        seen = preprocess.resize(pixels)
        resized_s = time.perf_counter()
        steering = driving.steer(seen)
        return Steered(steering, began_s, decoded_s, resized_s, time.perf_counter())


def serve(connection: socket.socket, lane: Lane) -> None:
    """Answer what comes over the connection, until its other end is closed."""
    # Closed in the middle of an answer, when the service was killed: nobody is left to tell.
    with suppress(ConnectionError), connection, connection.makefile("rb") as asked:
        while head := asked.read(protocol.ASK.size):
            kind, version, size = protocol.ASK.unpack(head)
            connection.sendall(lane.answer(kind, version, asked.read(size)))


def main() -> int:
    """Serve one end of a pair of sockets."""
    parser = argparse.ArgumentParser(prog="python -m inference.workers.worker")
    parser.add_argument("descriptor", type=int, help="of the connected socket")
    parser.add_argument("models", type=Path, help="the registry's folder")
    arguments = parser.parse_args()
    # It ends when the service does: a signal to the whole group must not end it before the frames
    # that are under way.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    cv2.setNumThreads(1)  # the cores are shared out by lanes
    serve(socket.socket(fileno=arguments.descriptor), Lane(Registry(arguments.models)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
