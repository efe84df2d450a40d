"""Tests of the version that answers: none, the first, a bad one."""

import os
import signal
from pathlib import Path

from support.data import models, samples
from support.services.serving import predict, refused, serving, settings
from support.waiting import await_true

from contract.models.registry import TFLITE, Registry


def test_without_a_model_the_answer_is_503_with_a_time_to_retry(registry: Registry) -> None:
    with serving(settings(registry.root)) as client:
        answer = predict(client, samples.jpeg())
        assert "no model is published" in refused(answer, 503)["error"]
        assert int(answer.headers["Retry-After"]) > 0
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reason"] == "no model is published yet"
        assert client.get("/healthz").status_code == 200
        assert client.get("/model").json()["version"] is None


def test_the_first_model_is_served_without_a_restart(registry: Registry, networks: Path) -> None:
    with serving(settings(registry.root)) as client:
        assert predict(client, samples.jpeg()).status_code == 503
        models.publish(registry, networks / "left", "job")
        await_true(lambda: client.get("/readyz").status_code == 200)
        assert predict(client, samples.jpeg()).json()["model_version"] == 1


def test_a_published_model_answers_the_first_request(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")
    with serving(settings(registry.root)) as client:
        assert predict(client, samples.jpeg()).status_code == 200


def test_a_bad_version_is_reported_and_the_old_one_serves(
    registry: Registry, networks: Path
) -> None:
    models.publish(registry, networks / "left", "good")
    with serving(settings(registry.root)) as client:
        models.publish(registry, networks / "nan", "bad")
        await_true(lambda: bool(client.get("/model").json()["refused"]))
        assert "answers with no number" in client.get("/model").json()["refused"]["2"]
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert "answers with no number" in ready.json()["refused"]["2"]
        assert "lapwing_model_versions_refused 1.0" in client.get("/metrics").text
        assert predict(client, samples.jpeg()).json()["model_version"] == 1


def test_steering_beyond_the_lock_is_clamped(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "lock", "job")
    with serving(settings(registry.root)) as client:
        answer = predict(client, samples.jpeg()).json()
        assert (answer["steering"], answer["steering_angle_deg"]) == (1.0, 25.0)


def worker_pids() -> list[int]:
    """Return the worker processes of the services that run in this process."""
    pids = []
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"inference.workers.worker" in Path("/proc", child, "cmdline").read_bytes():
                pids.append(int(child))
    return pids


def test_without_a_worker_the_service_is_not_ready_and_refuses_at_once(
    registry: Registry, networks: Path
) -> None:
    """Its workers were killed, and the version cannot be loaded again."""
    version = models.publish(registry, networks / "left", "job").version
    with serving(settings(registry.root, workers=2)) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        tflite = registry.path(version) / TFLITE
        content = tflite.read_bytes()
        tflite.write_bytes(b"half a mod")
        for pid in worker_pids():
            os.kill(pid, signal.SIGKILL)
        await_true(lambda: client.get("/readyz").status_code == 503)
        answer = predict(client, samples.jpeg())
        assert "no process that computes frames" in refused(answer, 503)["error"]
        assert answer.headers["Retry-After"] == "1"
        ready = client.get("/readyz").json()
        assert (ready["ready"], ready["model_version"]) == (False, version)
        assert "no process that computes frames runs" in ready["reason"]
        await_true(lambda: "is not what its manifest" in client.get("/readyz").json()["trouble"])
        tflite.write_bytes(content)
        await_true(lambda: client.get("/readyz").status_code == 200)
        assert predict(client, samples.jpeg()).status_code == 200
