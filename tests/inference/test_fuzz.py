"""Whatever is sent is answered, with nothing worse than a refusal, by the same processes.

P17: a few in `make test`, all of it in `make soak`.
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
from support.services.serving import await_true, running

from contract.models.registry import Registry

GROWTH_BYTES = 100 << 20
ALLOWED = {200, 401, 404, 405, 406, 408, 413, 415, 422}


@dataclass(frozen=True)
class Service:
    """A service of its own, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def lanes(self) -> list[str]:
        """List the processes that it started."""
        return (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        )

    def rss_bytes(self) -> int:
        """Return the memory that it and they take."""
        pages = 0
        for pid in [str(self.process.pid), *self.lanes()]:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * 4096


@pytest.fixture(scope="module")
def service(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "left", "job")
    with (
        running(registry.root) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client,
    ):
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield Service(process, client)


@pytest.fixture
def unharmed(service: Service) -> Iterator[Service]:
    """The service; afterwards its processes must be the same, not much larger, and answer."""
    for _ in range(50):
        service.client.post("/predict", content=samples.jpeg(), headers=JPEG)
    lanes, before = service.lanes(), service.rss_bytes()
    yield service
    assert service.process.poll() is None
    assert service.lanes() == lanes
    assert service.rss_bytes() - before < GROWTH_BYTES
    answer = service.client.post("/predict", content=samples.jpeg(), headers=JPEG)
    assert answer.status_code == 200


JPEG = {"Content-Type": "image/jpeg"}


def mutated(whole: bytes, chance: random.Random) -> bytes:
    """Damage a picture: flip bits, cut, repeat, insert, or swap what its segments say."""
    damaged = bytearray(whole)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at = chance.randrange(len(damaged))
        kind = chance.randrange(6)
        if kind == 0:
            damaged[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            damaged[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0xD8, 0xD9, 0xC0, 0xC2])
        elif kind == 2:
            del damaged[at : at + chance.choice([1, 2, 100, 5000])]
        elif kind == 3:
            damaged[at:at] = damaged[at : at + chance.choice([1, 2, 100, 1000])]
        elif kind == 4:
            damaged[at:at] = chance.randbytes(chance.choice([1, 4, 64]))
        else:  # the header says what is to be allocated
            at = chance.randrange(min(len(damaged), 700))
            damaged[at] = chance.randrange(256)
        if not damaged:
            return b""
    return bytes(damaged)


def throw(service: Service, count: int, seed: int) -> dict[int, int]:
    """Send mutated pictures; return how often each status came."""
    chance = random.Random(seed)
    pictures = [samples.jpeg(each / 4 - 0.5, each) for each in range(5)]
    statuses: dict[int, int] = {}
    for _ in range(count):
        body = mutated(chance.choice(pictures), chance)
        status = service.client.post("/predict", content=body, headers=JPEG).status_code
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def test_mutated_pictures_are_answered_or_refused(unharmed: Service) -> None:
    statuses = throw(unharmed, 500, seed=1)
    assert set(statuses) <= ALLOWED
    assert statuses[200] > 10
    assert statuses[422] > 100


@pytest.mark.soak
def test_fifty_thousand_mutated_pictures(unharmed: Service, told: Callable[[str], None]) -> None:
    statuses = throw(unharmed, 50_000, seed=2)
    told(f"50,000 mutated pictures: {statuses}")
    assert set(statuses) <= ALLOWED


def examine(service: Service, examples: int) -> dict[str, int]:
    """Have Schemathesis ask what the service's own document says may be asked; count the answers.

    It checks that there is no server error, and that status, type and body are as documented.
    """
    schema = schemathesis.openapi.from_dict(service.client.get("/openapi.json").json())
    return {
        found.ok().label: ask(service, found.ok().as_strategy(), examples)
        for found in schema.get_all_operations()
    }


def ask(service: Service, cases: SearchStrategy[schemathesis.Case], examples: int) -> int:
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: schemathesis.Case) -> None:
        nonlocal count
        answer = case.call(base_url=str(service.client.base_url))
        # That bytes are a picture is nothing that a schema can say.
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])
        count += 1

    one()
    return count


def test_the_service_does_what_its_document_says(unharmed: Service) -> None:
    assert set(examine(unharmed, 20)) == {
        "POST /predict",
        "GET /healthz",
        "GET /readyz",
        "GET /model",
        "GET /metrics",
    }


@pytest.mark.soak
def test_a_thousand_requests_of_each_kind(unharmed: Service, told: Callable[[str], None]) -> None:
    told(f"Schemathesis: {examine(unharmed, 1000)}")
