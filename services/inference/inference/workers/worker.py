"""A worker process, which decodes frames and predicts their answers, one frame after the other.

It is started as `python -m inference.workers.worker`.

It is a process and not a thread, because under load the threads of one process take turns on the
interpreter's lock, and the thread that refuses frames wins. Besides, an image or a model that kills
its decoder ends one worker and not the service.
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
from typing import Final

import cv2

from contract.frames import preprocess
from contract.models.registry import Registry
from contract.perpetual import describe
from contract.policy import policy
from contract.policy.policy import Load, LoadedPolicy
from inference.workers import protocol
from inference.workers.networks import LOADERS
from inference.workers.protocol import TimedPrediction

log = logging.getLogger(__name__)

BUFFER_BYTES: Final = 65_536
"""Number of bytes that are received at a time: a frame of the simulator has 13,000, so it arrives
with its header in one system call."""


class RequestHandler:
    """Handles the requests to a worker with the model versions that it has loaded.

    Args:
        registry: the model registry.
        load: loads the network of a version.
    """

    def __init__(self, registry: Registry, load: Load) -> None:
        self._registry = registry
        self._load = load
        self._policies: dict[int, LoadedPolicy] = {}

    def reply(self, command: int, version: int, payload: bytes) -> bytes:
        """Execute a command and return the reply; an error becomes a reply as well."""
        try:
            return protocol.encode_reply(protocol.DONE, self._execute(command, version, payload))
        except tuple(protocol.ERRORS.values()) as error:
            return protocol.encode_reply(protocol.REFUSED, protocol.encode_error(error))
        except Exception as error:
            log.exception("a worker failed")
            return protocol.encode_reply(protocol.FAILED, describe(error).encode(errors="replace"))

    def _execute(self, command: int, version: int, payload: bytes) -> bytes:
        if command == protocol.PREDICT:
            return protocol.encode_prediction(_predict(self._policies[version], payload))
        if command == protocol.LOAD:
            self._policies[version] = policy.load(self._registry, version, self._load)
            return self._policies[version].backend.name.encode()
        if command == protocol.CHECK:
            self._policies[version].check()
        else:
            self._policies.pop(version, None)
        return b""


def _predict(loaded: LoadedPolicy, jpeg: bytes) -> TimedPrediction:
    began_s = time.perf_counter()
    pixels = preprocess.decode(jpeg)
    decoded_s = time.perf_counter()
    frame = loaded.prepare(pixels)
    resized_s = time.perf_counter()
    answer = loaded.answer(frame)
    return TimedPrediction(answer, began_s, decoded_s, resized_s, time.perf_counter())


def serve(connection: socket.socket, handler: RequestHandler) -> None:
    """Reply to the requests on a connection until its other end is closed."""
    # A ConnectionError in the middle of a reply means that the service was killed.
    with (
        suppress(ConnectionError),
        connection,
        connection.makefile("rb", buffering=BUFFER_BYTES) as requests,
    ):
        while header := requests.read(protocol.REQUEST_HEADER.size):
            command, version, size = protocol.REQUEST_HEADER.unpack(header)
            connection.sendall(handler.reply(command, version, requests.read(size)))


def main() -> int:
    """Serve one end of a pair of sockets."""
    parser = argparse.ArgumentParser(prog="python -m inference.workers.worker")
    parser.add_argument("descriptor", type=int, help="file descriptor of the connected socket")
    parser.add_argument("models", type=Path, help="folder of the model registry")
    parser.add_argument("backend", choices=LOADERS, help="how networks are loaded")
    arguments = parser.parse_args()
    # The worker ends when the service closes its socket. A signal to the whole process group must
    # not end it before it has answered the frames that are in flight.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    cv2.setNumThreads(1)  # the workers share the cores
    handler = RequestHandler(Registry(arguments.models), LOADERS[arguments.backend])
    serve(socket.socket(fileno=arguments.descriptor), handler)
    return 0


if __name__ == "__main__":
    sys.exit(main())
