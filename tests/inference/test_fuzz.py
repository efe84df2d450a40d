"""Tests that any request is answered or refused, and that no process dies of it.

This is promise P17: a few requests run in `make test`, all of them in `make soak`.
"""

import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.specs.openapi.checks import positive_data_acceptance
from support.data import models, samples
from support.services.serving import running
from support.waiting import await_true

from contract.models.registry import Registry

GROWTH_BYTES = 100 << 20
ALLOWED = {200, 401, 404, 405, 406, 408, 413, 415, 422}


@dataclass(frozen=True)
class Service:
    """A service in a process of its own, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def workers(self) -> list[str]:
        """Return the process IDs of its workers."""
        return (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        )

    def rss_bytes(self) -> int:
        """Return the memory of the service and its workers in bytes."""
        pages = 0
        for pid in [str(self.process.pid), *self.workers()]:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * 4096


@pytest.fixture(scope="module")
def service(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "left", "job")
    with (
        running(registry.root) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield Service(process, client)


@pytest.fixture
def unharmed(service: Service) -> Iterator[Service]:
    """Return the service; check afterwards that its processes are alive, not larger, and answer."""
    for _ in range(50):
        service.client.post("/predict", content=samples.jpeg(), headers=JPEG)
    workers, before = service.workers(), service.rss_bytes()
    yield service
    assert service.process.poll() is None
    assert service.workers() == workers
    assert service.rss_bytes() - before < GROWTH_BYTES
    answer = service.client.post("/predict", content=samples.jpeg(), headers=JPEG)
    assert answer.status_code == 200


JPEG = {"Content-Type": "image/jpeg"}


def mutated(jpeg: bytes, rng: random.Random) -> bytes:
    """Return a damaged JPEG: bits flipped, bytes cut, repeated or inserted, a header changed."""
    damaged = bytearray(jpeg)
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        at = rng.randrange(len(damaged))
        mutation = rng.randrange(6)
        if mutation == 0:
            damaged[at] ^= 1 << rng.randrange(8)
        elif mutation == 1:
            damaged[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0xD8, 0xD9, 0xC0, 0xC2])
        elif mutation == 2:
            del damaged[at : at + rng.choice([1, 2, 100, 5000])]
        elif mutation == 3:
            damaged[at:at] = damaged[at : at + rng.choice([1, 2, 100, 1000])]
        elif mutation == 4:
            damaged[at:at] = rng.randbytes(rng.choice([1, 4, 64]))
        else:  # the header, which says how much memory is allocated
            at = rng.randrange(min(len(damaged), 700))
            damaged[at] = rng.randrange(256)
        if not damaged:
            return b""
    return bytes(damaged)


def send_mutated(service: Service, count: int, seed: int) -> dict[int, int]:
    """Send mutated JPEGs, and return the number of answers with each status."""
    rng = random.Random(seed)
    jpegs = [samples.jpeg(number / 4 - 0.5, number) for number in range(5)]
    statuses: dict[int, int] = {}
    for _ in range(count):
        body = mutated(rng.choice(jpegs), rng)
        status = service.client.post("/predict", content=body, headers=JPEG).status_code
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def test_mutated_jpegs_are_answered_or_refused(unharmed: Service) -> None:
    statuses = send_mutated(unharmed, 500, seed=1)
    assert set(statuses) <= ALLOWED
    assert statuses[200] > 10
    assert statuses[422] > 100


@pytest.mark.soak
def test_fifty_thousand_mutated_jpegs_are_answered_or_refused(
    unharmed: Service, print_figures: Callable[[str], None]
) -> None:
    statuses = send_mutated(unharmed, 50_000, seed=2)
    print_figures(f"50,000 mutated JPEGs: {statuses}")
    assert set(statuses) <= ALLOWED


def check_schema(service: Service, examples: int) -> dict[str, int]:
    """Let Schemathesis send requests of the OpenAPI document; return their number by operation.

    It checks that there is no server error, and that status, type and body are as documented.
    """
    schema = schemathesis.openapi.from_dict(service.client.get("/openapi.json").json())
    return {
        operation.ok().label: send_cases(service, operation.ok().as_strategy(), examples)
        for operation in schema.get_all_operations()
    }


def send_cases(service: Service, cases: SearchStrategy[schemathesis.Case], examples: int) -> int:
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: schemathesis.Case) -> None:
        nonlocal count
        answer = case.call(base_url=str(service.client.base_url))
        # A schema cannot say which bytes are a JPEG.
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])
        count += 1

    send()
    return count


def test_the_service_does_what_its_openapi_document_says(unharmed: Service) -> None:
    assert set(check_schema(unharmed, 20)) == {
        "POST /predict",
        "GET /healthz",
        "GET /readyz",
        "GET /model",
        "GET /metrics",
    }


@pytest.mark.soak
def test_a_thousand_requests_of_each_operation(
    unharmed: Service, print_figures: Callable[[str], None]
) -> None:
    print_figures(f"Schemathesis: {check_schema(unharmed, 1000)}")
