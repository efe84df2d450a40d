"""The same chain in containers: images built here, a real engine, Compose v2."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import pytest
from support.data import samples
from support.services.compose_project import (
    BIND,
    PORTS,
    PROFILES,
    PROJECT,
    compose,
    docker,
    require_engine,
    run_docker,
)

INFERENCE = f"http://{BIND}:{PORTS['LAPWING_INFERENCE_PORT']}"
SCALE = ("-f", "docker-compose.yml", "-f", "docker-compose.scale.yml")
BASE = "python:3.11-slim-bookworm"
MIB = 1 << 20

pytestmark = pytest.mark.docker


def error_of(*words: str) -> str:
    """Return the message of a command of the cli container, which must fail with one line."""
    done = run_docker("compose", "-p", PROJECT, "run", "--rm", "-T", *words)
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("lapwing: ")]
    assert "Traceback" not in done.stderr
    return line


def cli(*words: str, volume: Path | None = None) -> Any:
    """Run a command of the cli container, and return its JSON document."""
    mount = ["-v", f"{volume}:/recordings/{volume.name}:ro"] if volume else []
    text = compose("run", "--rm", "-T", *mount, "cli", *words, "--json")
    return json.loads(text)


@pytest.fixture(scope="module")
def engine() -> None:
    require_engine()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that the containers' user can read."""
    folder = samples.recording(tmp_path_factory.mktemp("mounted") / "run", rows=80)
    for path in [folder, *folder.parents]:
        if path.owner() == folder.owner() and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    return folder


@pytest.fixture(scope="module")
def stack(engine: None, recording: Path) -> Iterator[None]:
    """All services, with a recording imported and a model trained."""
    compose(*PROFILES, "build")
    try:
        compose("up", "-d", "--wait")
        yield
    finally:
        compose(*PROFILES, "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="module")
def trained(stack: None, recording: Path) -> dict[str, Any]:
    cli("ingest", f"/recordings/{recording.name}", "--wait", volume=recording)
    (result,) = cli("train", "--epochs", "1", "--wait").values()
    assert isinstance(result, dict)
    return result


def predict(recording: Path) -> httpx.Response:
    jpeg = next((recording / "IMG").glob("center_*.jpg")).read_bytes()
    headers = {"Content-Type": "image/jpeg"}
    return httpx.post(f"{INFERENCE}/predict", content=jpeg, headers=headers)


def await_version(version: int) -> None:
    deadline = time.monotonic() + 30
    while httpx.get(f"{INFERENCE}/model").json().get("version") != version:
        assert time.monotonic() < deadline, f"version {version} is not served"
        time.sleep(0.1)


def test_nobody_is_root(stack: None) -> None:
    for name in ("redis", "ingest", "trainer", "inference", "driver-bridge"):
        assert compose("exec", "-T", name, "id", "-u").strip() != "0"


def test_every_volume_has_a_name(stack: None) -> None:
    """Each `down` and `up` would leave a volume without one behind, with its content."""
    containers = compose("ps", "-q").split()
    named = "{{range .Mounts}}{{.Type}} {{.Name}}\n{{end}}"
    mounts = docker("inspect", *containers, "--format", named).split("\n")
    volumes = {mount.split()[1] for mount in mounts if mount.startswith("volume ")}
    assert f"{PROJECT}_queue" in volumes
    assert all(volume.startswith(f"{PROJECT}_") for volume in volumes), volumes


def test_the_containers_hold_this_version(stack: None) -> None:
    version = compose("run", "--rm", "-T", "--no-deps", "cli", "--version").split()[-1]
    assert version == importlib.metadata.version("lapwing-cli")


ASK_REDIS = """
import os
from pathlib import Path
from redis import Redis
from redis.exceptions import NoPermissionError
password = Path(os.environ["LAPWING_REDIS_PASSWORD_FILE"]).read_text()
client = Redis.from_url(os.environ["LAPWING_REDIS_URL"], password=password)
try:
    client.hgetall("rq:job:x")
except NoPermissionError:
    print("published to", client.publish("lapwing:live", "{}"))
"""


def test_redis_lets_the_bridge_publish_and_no_more(stack: None) -> None:
    """tests/containers/test_start_redis.py tries what each user of Redis may do."""
    assert "NOAUTH" in compose("exec", "-T", "redis", "redis-cli", "get", "x")
    ask = compose("exec", "-T", "driver-bridge", "python", "-c", ASK_REDIS)
    assert ask == "published to 0\n"
    assert compose("exec", "-T", "driver-bridge", "ls", "/secrets") == "password\n"
    assert "nobody can watch" not in compose("logs", "driver-bridge")


@pytest.mark.parametrize(
    ("command", "instead"),
    [("up", "docker compose up -d"), ("demo", "docker compose --profile demo run")],
)
def test_commands_for_use_without_docker_say_what_to_do_instead(
    stack: None, command: str, instead: str
) -> None:
    assert instead in error_of("--no-deps", "cli", command)


@pytest.mark.parametrize(("service", "limit_mib"), [("inference", 500), ("driver-bridge", 60)])
def test_the_serving_images_stay_small(stack: None, service: str, limit_mib: int) -> None:
    def size(image: str) -> int:
        return int(docker("image", "inspect", image, "--format", "{{.Size}}"))

    assert size(f"{PROJECT}-{service}") - size(BASE) <= limit_mib * MIB


def test_a_picture_is_answered(trained: dict[str, Any], recording: Path) -> None:
    await_version(trained["version"])
    answer = predict(recording)
    assert answer.status_code == 200
    assert answer.json()["model_sha256"] == trained["sha256"]["model.h5"]


def test_what_goes_on_can_be_looked_at_and_not_touched(trained: dict[str, Any]) -> None:
    compose(
        "--profile", "observe", "up", "-d", "--wait", "--no-deps", "tensorboard", "rq-dashboard"
    )
    runs = httpx.get(f"http://{BIND}:{PORTS['LAPWING_TENSORBOARD_PORT']}/data/runs").json()
    (own,) = [run for run in runs if "/" not in run]
    assert {f"{own}/predict-zero", f"{own}/hold-last"} < set(runs)
    dashboard = f"http://{BIND}:{PORTS['LAPWING_DASHBOARD_PORT']}"
    (job,) = httpx.get(f"{dashboard}/0/data/jobs/train/finished/8/asc/1.json").json()["jobs"]
    assert job["description"].startswith("trainer.jobs.train.run(")
    for page in ("view/queues", "view/workers", f"view/job/{own}", "data/queues.json"):
        shown = httpx.get(f"{dashboard}/0/{page}", follow_redirects=True)
        assert shown.status_code == 200, page
    assert len(httpx.get(f"{dashboard}/0/data/workers.json").json()["workers"]) == 3
    assert httpx.get(f"{dashboard}/0/data/job/{own}.json").json()["status"] == "finished"
    assert httpx.get(f"{dashboard}/requeue/train").status_code == 405
    assert httpx.post(f"{dashboard}/job/{own}/delete").status_code == 405


@pytest.mark.soak
def test_a_report_gets_into_a_folder_of_the_user(trained: dict[str, Any], tmp_path: Path) -> None:
    """The folder is a mount point, beside which nothing can be written, and another user's."""
    shutil.chown(tmp_path, 1234, 1234)
    (tmp_path / "report.html").touch()
    out = ("-v", f"{tmp_path}:/out", "--user")
    report = ("cli", "report", str(trained["version"]), "--out", "/out", "--json")
    refused = error_of(*out, "10001:10001", *report)
    assert "cannot be written: got Permission denied" in refused
    assert '--user "$(id -u):$(id -g)"' in refused
    made = json.loads(compose("run", "--rm", "-T", *out, "1234:1234", *report))["report"]
    assert made["html"] == "/out/report.html"
    assert {"report.html", "report.md", "report.pdf"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "report.html").stat().st_uid == 1234
    compose("cp", f"trainer:/models/versions/{trained['version']}/report", str(tmp_path / "copy"))
    assert (tmp_path / "copy/report.html").read_bytes() == (tmp_path / "report.html").read_bytes()


def test_a_recording_that_the_containers_user_may_not_read_is_told_its_remedy(
    stack: None, tmp_path: Path
) -> None:
    closed = samples.recording(tmp_path / "closed", rows=4)
    closed.chmod(0o700)
    mount = ("-v", f"{closed}:/recordings/closed:ro")
    assert "chmod -R a+rX" in error_of(*mount, "cli", "ingest", "/recordings/closed")


def test_the_simulator_is_driven(trained: dict[str, Any], recording: Path) -> None:
    await_version(trained["version"])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulator",
            "replay",
            str(recording),
            "--bridge",
            f"ws://{BIND}:{PORTS['LAPWING_BRIDGE_PORT']}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "80 of 80" in done.stdout, done.stderr


def test_the_simulators_container_records_and_drives(trained: dict[str, Any]) -> None:
    """A piece of the demonstration: all of it takes minutes."""
    await_version(trained["version"])
    run = ("--profile", "demo", "run", "--rm", "-T", "--no-deps")
    where = ("--out", "/recordings/short", "--laps", "1", "--mph", "30", "--json")
    points = "x,y\n0,0\n30,0\n60,4\n90,10\n"
    recorded = compose(
        *run,
        "--entrypoint",
        "sh",
        "demo-record",
        "-euc",
        f'printf "{points}" >/tmp/short.csv; '
        f"python -m simulator record --track /tmp/short.csv {' '.join(where)}",
    )
    assert json.loads(recorded)["rows"] > 60
    driven = json.loads(
        compose(
            *run, "simulator", "drive", "--laps", "0.02", "--out", "/drives", "--json", check=False
        )
    )
    assert driven["wire"]["answered"] > 20
    assert driven["distance_m"] > 15
    kept = compose(*run, "--entrypoint", "ls", "simulator", "/drives").split()
    assert kept == ["drive.json", "drive.mp4", "drive.png"]


@pytest.mark.soak
def test_replicas_behind_the_balancer_drive(trained: dict[str, Any], recording: Path) -> None:
    """Two of each, from the images that are there; one of inference is killed in mid-drive."""
    compose(*SCALE, "build", "balancer")
    try:
        compose(*SCALE, "up", "-d", "--wait", "inference", "driver-bridge", "balancer")
        await_version(trained["version"])
        for name in ("inference", "driver-bridge"):
            assert len(compose(*SCALE, "ps", "-q", name).split()) == 2
        assert compose(*SCALE, "exec", "-T", "balancer", "id", "-u").strip() == "10001"
        killed = compose(*SCALE, "ps", "-q", "inference").split()[0]
        bridge = f"ws://{BIND}:{PORTS['LAPWING_BRIDGE_PORT']}"
        replaying = ["simulator", "replay", str(recording), "--realtime", "--bridge", bridge]
        command = [sys.executable, "-m", *replaying]
        with Popen(command, stdout=subprocess.PIPE, text=True) as replay:
            time.sleep(1)
            docker("kill", killed)
            printed, _ = replay.communicate(timeout=120)
        assert "80 of 80" in printed
        assert predict(recording).status_code == 200
    finally:
        compose("up", "-d", "--wait", "--remove-orphans")


@pytest.mark.soak
def test_inference_answers_within_two_seconds_of_its_start(
    trained: dict[str, Any], recording: Path
) -> None:
    compose("stop", "inference")
    compose("start", "inference")
    container = compose("ps", "-q", "inference").strip()
    deadline = time.monotonic() + 20
    while True:
        try:
            if predict(recording).status_code == 200:
                break
        except httpx.TransportError:
            assert time.monotonic() < deadline, "inference did not come back"
        time.sleep(0.02)
    answered = time.time()
    started = docker("inspect", container, "--format", "{{.State.StartedAt}}").strip()
    seconds = answered - float(
        subprocess.run(["date", "-d", started, "+%s.%N"], capture_output=True, text=True).stdout
    )
    assert seconds < 2


def test_what_was_stored_and_queued_outlives_down_and_up(
    trained: dict[str, Any], recording: Path
) -> None:
    compose("stop", "trainer")
    (queued,) = cli("train", "--epochs", "1", "--seed", "2", "--no-wait")
    compose("down")
    compose("up", "-d", "--wait")
    deadline = time.monotonic() + 120
    while True:
        job = next(each for each in cli("jobs") if each["id"] == queued["id"])
        if job["status"] == "finished":
            break
        assert time.monotonic() < deadline, job
        time.sleep(1)
    assert job["result"]["version"] == trained["version"] + 1
    (again,) = cli("ingest", f"/recordings/{recording.name}", "--wait", volume=recording).values()
    assert again["imports"][0]["skipped"]
