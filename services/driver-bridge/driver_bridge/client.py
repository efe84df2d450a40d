"""Asks inference for the steering of a frame, over connections that are kept."""

from __future__ import annotations

import json
import math

import urllib3

from contract.errors import ServiceError

CONNECTIONS = 16
"""Kept open; as many simulators can ask at the same time without waiting for a handshake."""


class Inference:
    """The inference service.

    Args:
        url: its address, such as http://127.0.0.1:8000.
        timeout_s: for connecting and for the answer, each.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url.rstrip("/") + "/predict"
        # No retries: the frame would be old. A kept connection that the server has closed
        # meanwhile is noticed and replaced before anything is sent.
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
        )

    def steering(self, jpeg: bytes) -> float:
        """Return the steering, -1..1, for a frame.

        Raises:
            ServiceError: no answer in time, or none that is a steering.
        """
        try:
            answer = self._pool.request(
                "POST", self._url, body=jpeg, headers={"Content-Type": "image/jpeg"}
            )
        except urllib3.exceptions.HTTPError as error:
            raise ServiceError(
                f"inference does not answer at {self._url}",
                got=error,
                remedy="Is it running, and LAPWING_INFERENCE_URL right",
            ) from error
        if answer.status != 200:
            raise ServiceError(
                "inference refuses the frame", got=f"{answer.status} {answer.data[:200]!r}"
            )
        try:
            steering = json.loads(answer.data)["steering"]
        except (ValueError, KeyError, TypeError) as error:
            raise _rubbish(answer.data) from error
        if not isinstance(steering, int | float) or not math.isfinite(steering):
            raise _rubbish(answer.data)
        return max(-1.0, min(1.0, float(steering)))


def _rubbish(body: bytes) -> ServiceError:
    return ServiceError("inference's answer holds no steering", got=repr(body[:200]))
