from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.services import answering
from support.services.answering import Answers
from support.services.driving import bridge, unity

from simulator.unity.client import UnityClient


@pytest.fixture(scope="module")
def inference() -> Iterator[Answers]:
    """An inference that answers what a test tells it to."""
    with answering.inference() as answers:
        yield answers


@pytest.fixture(scope="module")
def port(inference: Answers) -> Iterator[int]:
    """A bridge that asks it."""
    with bridge(inference.url, LAPWING_INFERENCE_TIMEOUT_MS="100") as port:
        yield port


@pytest.fixture
def healthy(inference: Answers) -> None:
    """Let a test begin with an inference that answers."""
    inference.status, inference.body, inference.delay_s = 200, b'{"steering": 0.25}', 0.0


@pytest.fixture
def simulator(port: int) -> Iterator[UnityClient]:
    """A simulator that has found the bridge."""
    with unity(port) as client:
        yield client
