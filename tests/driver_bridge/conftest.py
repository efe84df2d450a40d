from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.services import answering
from support.services.answering import Answers
from support.services.driving import patient_bridge, unity

from simulator.unity.client import UnityClient


@pytest.fixture(scope="module")
def inference() -> Iterator[Answers]:
    """Return a fake inference whose answers a test sets."""
    with answering.inference() as answers:
        yield answers


@pytest.fixture(scope="module")
def port(inference: Answers) -> Iterator[int]:
    """Return the port of a bridge that asks this inference."""
    with patient_bridge(inference.url) as port:
        yield port


@pytest.fixture
def healthy(inference: Answers) -> None:
    """Let inference answer at the start of a test."""
    inference.status, inference.body, inference.delay_s = 200, b'{"steering": 0.25}', 0.0


@pytest.fixture
def simulator(port: int) -> Iterator[UnityClient]:
    """Return a simulator that is connected to the bridge."""
    with unity(port) as client:
        yield client
