"""Asks the inference service how to steer for an image, and which model it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import urllib3

from contract.errors import FrameError, ServiceError
from contract.files import file_access

TIMEOUT_S: Final = 10.0


class InferenceClient:
    """A client of the inference service, which keeps its connection open.

    Args:
        url: address of the service, without a slash at the end.
        token: the bearer token that the service requires; empty if it requires none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Content-Type": "image/jpeg"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def predict(self, image: Path) -> dict[str, Any]:
        """Return the service's answer to one JPEG file.

        Raises:
            FrameError: the file cannot be read, or the service refuses it.
            ServiceError: the service does not answer, or has no model.
        """
        try:
            jpeg = image.read_bytes()
        except OSError as error:
            raise FrameError(
                "the image cannot be read",
                got=error,
                remedy=file_access.remedy(error, "Name a JPEG file"),
            ) from error
        status, body = self._request("POST", "/predict", jpeg)
        if status == 200:
            return body
        error_class = ServiceError if status >= 500 else FrameError
        raise error_class(
            f"{image}: {body.get('error', status)}",
            got=body.get("got") or None,  # the service sends "" for nothing
            remedy=str(body.get("remedy", "")),
        )

    def model(self) -> dict[str, Any]:
        """Return what the service reports about the model that it serves.

        Raises:
            ServiceError: the service does not answer.
        """
        return self._request("GET", "/model", None)[1]

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        try:
            answer = self._pool.request(method, self._url + path, body=body, headers=self._headers)
            document = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ServiceError(
                f"inference does not answer at {self._url}",
                got=error,
                remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
            ) from error
        if answer.status == 401:
            raise ServiceError(
                str(document.get("error")), remedy="Set LAPWING_API_TOKEN for this command, too"
            )
        return answer.status, document
