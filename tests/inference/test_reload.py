"""New versions arrive, good and bad, while clients drive: they notice nothing but new versions."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.loading import frames, load, loading, result, served
from support.services.serving import await_true, serving, settings

from contract import atomic_files as publish
from contract.models.registry import MANIFEST, TFLITE, ModelManifest, Registry

ROUNDS = 5
CLIENTS = 3


class Careless(Registry):
    """Damages a version after its digests were taken and before it becomes the current one."""

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        made = super().publish(staged, manifest)
        (self.path(made.version) / TFLITE).write_bytes(b"half a mod")
        return made


class Forger(Registry):
    """Publishes a file as it is, with the digest of another."""

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        made = super().publish(staged, manifest)
        path = self.path(made.version) / MANIFEST
        digest = publish.sha256(self.path(made.version) / TFLITE)
        path.write_text(path.read_text().replace(digest, "0" * 64))
        return made


class Driver(threading.Thread):
    """Sends frames over one connection until it is told to stop, and keeps the answers."""

    def __init__(self, address: httpx.URL, stop: threading.Event) -> None:
        super().__init__()
        self._address = address
        self._halt = stop
        self.answers: list[httpx.Response] = []

    def run(self) -> None:
        jpeg = samples.jpeg()
        with httpx.Client(base_url=self._address, timeout=10) as client:
            while not self._halt.is_set():
                self.answers.append(
                    client.post("/predict", content=jpeg, headers={"Content-Type": "image/jpeg"})
                )


@dataclass
class Drive:
    """What happened while versions were published under load."""

    registry: Registry
    good: dict[int, str] = field(default_factory=dict)
    """The network of each version that may serve."""
    bad: set[int] = field(default_factory=set)
    answers: list[list[httpx.Response]] = field(default_factory=list)
    """Of each client, in order."""


@pytest.fixture(scope="module")
def drive(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Publish five versions a round, three of them bad, each once the one before was looked at."""
    drive = Drive(Registry(tmp_path_factory.mktemp("models")))
    registry, left = drive.registry, networks / "left"
    drive.good[models.publish(registry, left, "first").version] = "left"
    stop = threading.Event()
    with serving(settings(registry.root)) as client:
        drivers = [Driver(client.base_url, stop) for _ in range(CLIENTS)]
        try:
            for each in drivers:
                each.start()
            for number in range(ROUNDS):
                for kind in ("right", "nan", "spec", "left", "damaged"):
                    job = f"{kind}-{number}"
                    if kind == "spec":
                        made = models.publish(registry, left, job, frame_spec={"height": 66})
                    elif kind == "damaged":
                        made = models.publish(Careless(registry.root), left, job)
                    else:
                        made = models.publish(registry, networks / kind, job)
                    if kind in ("left", "right"):
                        drive.good[made.version] = kind
                    else:
                        drive.bad.add(made.version)
                    await_true(partial(looked_at, client, made.version))
        finally:
            stop.set()
            for each in drivers:
                each.join()
    drive.answers = [each.answers for each in drivers]
    return drive


def looked_at(client: httpx.Client, version: int) -> bool:
    document = client.get("/model").json()
    return document["version"] == version or str(version) in document["refused"]


def test_no_request_fails(drive: Drive) -> None:
    assert all(len(answers) > 20 for answers in drive.answers)
    assert {answer.status_code for answers in drive.answers for answer in answers} == {200}


def test_no_bad_version_serves_and_the_good_ones_do(drive: Drive) -> None:
    served = {answer.json()["model_version"] for answers in drive.answers for answer in answers}
    assert not served & drive.bad
    assert served <= set(drive.good)
    assert len(served) > ROUNDS


def test_every_answer_is_that_of_the_version_it_names(drive: Drive) -> None:
    for answers in drive.answers:
        for document in (answer.json() for answer in answers):
            version = document["model_version"]
            assert document["model_sha256"] == drive.registry.manifest(version).sha256
            expected = models.ANSWERS[drive.good[version]]
            assert document["steering"] == pytest.approx(expected, abs=models.NEAR)


def test_no_client_goes_back_to_an_older_version(drive: Drive) -> None:
    for answers in drive.answers:
        versions = [answer.json()["model_version"] for answer in answers]
        assert versions == sorted(versions)


@pytest.mark.soak
def test_two_hundred_versions_a_fifth_of_them_bad(
    networks: Path, registry: Registry, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """P10, at 50 requests a second."""
    models.publish(registry, networks / "left", "first")
    pictures = frames(tmp_path / "frames")
    good, bad, live_s = {"1"}, set(), []
    kinds = [
        *["left", "right"] * 2,
        "damaged",
        *["right", "left"] * 2,
        "nan",
        *["left", "right"] * 2,
        "forged",
        *["right", "left"] * 2,
        "small",
    ]
    options = ("--clients", "16", "--rate", "50", "--seconds")
    with served(registry, LAPWING_FOLLOW_EVERY_S="0.1") as (_, url):
        steady = load(url, pictures, *options, "20")
        with (
            loading(url, pictures, *options, "150") as asking,
            httpx.Client(base_url=url) as client,
        ):
            for number in range(200):
                kind = kinds[number % len(kinds)]
                publisher = {"damaged": Careless, "forged": Forger}.get(kind, Registry)
                network = networks / (kind if kind in ("right", "nan", "small") else "left")
                made = models.publish(publisher(registry.root), network, f"job-{number}")
                (good if kind in ("left", "right") else bad).add(str(made.version))
                began = time.monotonic()
                await_true(partial(looked_at, client, made.version))
                live_s.append(time.monotonic() - began)
                time.sleep(0.5)
            reloaded = result(asking)
    told(f"steady {steady}\nreloading {reloaded}\nlive after {max(live_s):.2f} s at most")
    assert set(reloaded["statuses"]) == {"200"}
    assert reloaded["broken"] == 0
    assert set(reloaded["versions"]) <= good
    assert len(reloaded["versions"]) > 100
    assert max(live_s) < 5
    assert reloaded["p99_ms"] <= 3 * steady["p99_ms"]
