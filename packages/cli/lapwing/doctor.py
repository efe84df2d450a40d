"""The dataset doctor, in a process of its own: it needs NumPy and OpenCV, which are ingest's."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence

from contract.errors import ServiceError
from lapwing import foreground


def run(arguments: Sequence[str]) -> int:
    """Examine recordings; return 0 when nothing is found, 1 when something is, 2 when unreadable.

    Raises:
        ServiceError: ingest, which owns recordings, is not installed here.
    """
    if importlib.util.find_spec("ingest") is None:
        raise ServiceError(
            "the dataset doctor is not installed here",
            remedy="In containers ingest has it: docker compose run --rm "
            "-v /path/to/recording:/recording/lake:ro ingest python -m ingest.doctor "
            "/recording/lake",
        )
    environment = {**os.environ, "LAPWING_COMMAND": "lapwing doctor"}
    return foreground.run([sys.executable, "-m", "ingest.doctor", *arguments], environment)
