"""Tests that clients are not disturbed while good and bad versions are published."""

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
from support.services.serving import serving, settings
from support.waiting import await_true

from contract.files import atomic_files
from contract.models.registry import MANIFEST, TFLITE, ModelManifest, Registry

ROUNDS = 5
CLIENTS = 3


class DamagingRegistry(Registry):
    """Damages a version between the calculation of its digests and its promotion."""

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        published = super().publish(staged, manifest)
        (self.path(published.version) / TFLITE).write_bytes(b"half a mod")
        return published


class ForgingRegistry(Registry):
    """Publishes a file with the digest of another."""

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        published = super().publish(staged, manifest)
        path = self.path(published.version) / MANIFEST
        digest = atomic_files.sha256(self.path(published.version) / TFLITE)
        path.write_text(path.read_text().replace(digest, "0" * 64))
        return published


class DrivingClient(threading.Thread):
    """Sends frames over one connection until `stop` is set, and keeps the answers."""

    def __init__(self, address: httpx.URL, stop: threading.Event) -> None:
        super().__init__()
        self._address = address
        self._halt = stop
        self.answers: list[httpx.Response] = []

    def run(self) -> None:
        jpeg = samples.jpeg()
        with httpx.Client(base_url=self._address, timeout=60) as client:
            while not self._halt.is_set():
                self.answers.append(
                    client.post("/predict", content=jpeg, headers={"Content-Type": "image/jpeg"})
                )


@dataclass
class ReloadRun:
    """The versions that were published under load, and the answers of that time."""

    registry: Registry
    good: dict[int, str] = field(default_factory=dict)
    """The network of each version that is fit to drive."""
    bad: set[int] = field(default_factory=set)
    answers: list[list[httpx.Response]] = field(default_factory=list)
    """The answers of each client, in order."""


@pytest.fixture(scope="module")
def run(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> ReloadRun:
    """Publish five versions in each round, three of them bad, each after the last was polled."""
    run = ReloadRun(Registry(tmp_path_factory.mktemp("models")))
    registry, left = run.registry, networks / "left"
    run.good[models.publish(registry, left, "first").version] = "left"
    stop = threading.Event()
    with serving(settings(registry.root)) as client:
        clients = [DrivingClient(client.base_url, stop) for _ in range(CLIENTS)]
        try:
            for client_thread in clients:
                client_thread.start()
            for number in range(ROUNDS):
                for kind in ("right", "nan", "spec", "left", "damaged"):
                    job = f"{kind}-{number}"
                    if kind == "spec":
                        manifest = models.publish(registry, left, job, frame_spec={"height": 66})
                    elif kind == "damaged":
                        manifest = models.publish(DamagingRegistry(registry.root), left, job)
                    else:
                        manifest = models.publish(registry, networks / kind, job)
                    if kind in ("left", "right"):
                        run.good[manifest.version] = kind
                    else:
                        run.bad.add(manifest.version)
                    await_true(partial(was_polled, client, manifest.version))
        finally:
            stop.set()
            for client_thread in clients:
                client_thread.join()
    run.answers = [client_thread.answers for client_thread in clients]
    return run


def was_polled(client: httpx.Client, version: int) -> bool:
    document = client.get("/model").json()
    return document["version"] == version or str(version) in document["refused"]


def test_no_request_fails(run: ReloadRun) -> None:
    assert all(len(answers) > 20 for answers in run.answers)
    assert {answer.status_code for answers in run.answers for answer in answers} == {200}


def test_no_bad_version_serves_and_the_good_ones_do(run: ReloadRun) -> None:
    served = {answer.json()["model_version"] for answers in run.answers for answer in answers}
    assert not served & run.bad
    assert served <= set(run.good)
    assert len(served) > ROUNDS


def test_every_answer_is_that_of_the_version_it_names(run: ReloadRun) -> None:
    for answers in run.answers:
        for document in (answer.json() for answer in answers):
            version = document["model_version"]
            assert document["model_sha256"] == run.registry.manifest(version).sha256
            expected = models.ANSWERS[run.good[version]]
            assert document["steering"] == pytest.approx(expected, abs=models.NEAR)


def test_no_client_goes_back_to_an_older_version(run: ReloadRun) -> None:
    for answers in run.answers:
        versions = [answer.json()["model_version"] for answer in answers]
        assert versions == sorted(versions)


@pytest.mark.soak
def test_two_hundred_versions_a_fifth_of_them_bad(
    networks: Path, registry: Registry, tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    """Promise P10, at 50 requests a second."""
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
            loading(url, pictures, *options, "150") as load_process,
            httpx.Client(base_url=url) as client,
        ):
            for number in range(200):
                kind = kinds[number % len(kinds)]
                publisher = {"damaged": DamagingRegistry, "forged": ForgingRegistry}.get(
                    kind, Registry
                )
                network = networks / (kind if kind in ("right", "nan", "small") else "left")
                manifest = models.publish(publisher(registry.root), network, f"job-{number}")
                (good if kind in ("left", "right") else bad).add(str(manifest.version))
                began = time.monotonic()
                await_true(partial(was_polled, client, manifest.version))
                live_s.append(time.monotonic() - began)
                time.sleep(0.5)
            reloaded = result(load_process)
    print_figures(f"steady {steady}\nreloading {reloaded}\nlive after {max(live_s):.2f} s at most")
    assert set(reloaded["statuses"]) == {"200"}
    assert reloaded["broken"] == 0
    assert set(reloaded["versions"]) <= good
    assert len(reloaded["versions"]) > 100
    assert max(live_s) < 5
    assert reloaded["p99_ms"] <= 3 * steady["p99_ms"]
