"""This release reads what release 0.1.0 wrote, and answers as it did.

fixtures/release-0.1.0/README.md says what there is, and how it was made. A document of this release
has the same keys and the same values as the one of 0.1.0. Only two kinds of values may differ: the
time at which something ran or that it took, and sentences for people.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from redis import Redis
from support.documents import differences, without
from support.services import answering
from support.services.answering import Answers
from support.services.driving import bridge
from support.services.running import Lapwing
from support.services.serving import serving, settings
from support.waiting import await_true
from typer.testing import CliRunner

from contract import train_config
from lapwing.app import app

FIXTURES = Path(__file__).parent / "fixtures" / "release-0.1.0"
FRAME = "IMG/center_2026_01_02_03_04_05_000.jpg"
DRIVE = "drives/track-354ad487/clear/0.25-1/01.json"
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"
CAR_TOLERANCE = 1e-2
FREE_IN_EVALUATIONS = {"made_at", "ms_a_row", "held_out", "leak"}
NEW_IN_EVALUATIONS = {"gain", "gain_by_bin", "road", "cameras_pose"}
NEW_IN_EVALUATIONS |= {"steady_offset_m", "deviation_without_steady_rmse_m"}
LISTED, WORKED_ON = 1, 2
"""Databases of Redis: one whose jobs are listed, and one whose jobs are worked on."""
REFUSED = ("train", "import", "explain", "evaluate", "gate", "report", "collect")
WAIT_S = 60.0


def fixture(name: str, home: Path = Path("HOME")) -> Any:
    """Return a JSON document of 0.1.0; it names its home folder HOME."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8").replace("HOME", str(home)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the recording, the volumes and the evaluation of 0.1.0."""
    folder = tmp_path_factory.mktemp("release") / "home"
    for name in ("recording", "volumes", "evaluations"):
        with tarfile.open(FIXTURES / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def lapwing(home: Path, redis_socket: Path) -> Lapwing:
    """The command line, as it reaches that home and the jobs that are worked on."""
    return Lapwing(home, settings={"LAPWING_REDIS_URL": f"unix://{redis_socket}?db={WORKED_ON}"})


def ask(lapwing: Lapwing, *words: str) -> Any:
    """Run a command in this process; it must succeed. Return its JSON document."""
    done = CliRunner().invoke(app, [*words, "--json"], env=lapwing.environ)
    assert done.exit_code == 0, (done.exception, done.output)
    return json.loads(done.stdout)


def packed(value: str | dict[str, str]) -> str | bytes:
    """Return a value of Redis as RQ kept it; the fixtures hold the text."""
    if isinstance(value, str):
        return value
    [(how, text)] = value.items()
    content = zlib.compress(text.encode()) if "zlib" in how else text.encode()
    return base64.b64encode(content) if "base64" in how else content


def restore(redis: Redis, document: dict[str, Any]) -> None:
    """Put what 0.1.0 kept of jobs into Redis."""
    for key, value in document.items():
        if isinstance(value, list):
            redis.rpush(key, *value)
        elif "set" in value:
            redis.sadd(key, *value["set"])
        elif "scores" in value:
            redis.zadd(key, value["scores"])
        elif "stream" in value:
            for entry, fields in value["stream"].items():
                redis.xadd(key, {name: packed(each) for name, each in fields.items()}, id=entry)
        else:
            redis.hset(key, mapping={name: packed(each) for name, each in value.items()})


def test_the_registry_and_its_journal_are_read(lapwing: Lapwing) -> None:
    found = ask(lapwing, "models")
    assert found.pop("notes") == {}  # new
    for version in found["versions"]:
        assert (version.pop("lineage"), version.pop("precision")) == ([], {})  # new
    assert differences(found, fixture("documents/models.json")) == []


def test_versions_are_verified_and_the_journal_says_what_a_rollback_goes_back_to(
    lapwing: Lapwing, tmp_path: Path
) -> None:
    shutil.copytree(lapwing.home / "models", tmp_path / "models", symlinks=True)
    other = Lapwing(lapwing.home, settings={"LAPWING_MODEL_DIR": str(tmp_path / "models")})
    switched = [ask(other, "rollback"), ask(other, "promote", "2", "--force")]
    digests = [each["sha256"] for each in switched]
    versions = fixture("documents/models.json")["versions"]
    assert digests == [each["files"]["model.h5"]["sha256"] for each in versions]
    assert [each["by"] for each in ask(other, "models")["decisions"]] == [
        "first",
        "forced",
        "rollback",
        "forced",
    ]


def test_the_evaluation_that_lies_with_a_version_is_shown(lapwing: Lapwing) -> None:
    done = CliRunner().invoke(app, ["models"], env=lapwing.environ)
    assert done.exit_code == 0, done.output
    assert "100 % (100-100) " in done.stdout


RENAMED = {
    "balance": "max_bin_ratio",
    "back_s": "recovery_time_s",
    "smooth_s": "label_smoothing_s",
    "gap_s": "validation_gap_s",
    "light": "brightness",
    "correction": "steering_correction",
}
"""Options of a training that have another name than in 0.1.0."""


def test_the_configuration_in_a_manifest_is_read() -> None:
    for version in fixture("documents/models.json")["versions"]:
        config = train_config.from_arguments(version["config"])
        for name, value in version["config"].items():
            known = name if hasattr(config, name) else RENAMED[name]
            assert getattr(config, known) == value, name


def test_a_version_is_scored_as_it_was(lapwing: Lapwing) -> None:
    """The split of the version says which rows were held out. The gain came later."""
    found = lapwing.ask("score", "2", str(lapwing.home / "lake"), "--held-out")
    for recording in found["recordings"]:
        del recording["score"]["gain"], recording["score"]["gain_by_bin"]
    assert differences(found, fixture("documents/score.json"), {"says"}) == []


def test_a_recording_is_examined_as_it_was(lapwing: Lapwing) -> None:
    done = lapwing.command("doctor", str(lapwing.home / "lake"), "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert [found.pop(key) for key in ("exclusions", "cured")] == [[], []]  # new
    for finding in found["findings"]:
        finding.pop("line_runs")  # new
    for recording in found["recordings"]:
        recording.pop("notes")  # new
    expected = fixture("documents/doctor.json")
    assert differences(found, expected, {"evidence", "cure"}) == []


def test_jobs_are_listed_as_they_were(lapwing: Lapwing, redis_socket: Path) -> None:
    """One of each kind waits; others are begun, finished, failed and cancelled."""
    with Redis(unix_socket_path=str(redis_socket), db=LISTED) as redis:
        redis.flushdb()
        for name in ("ended", "queued"):
            restore(redis, fixture(f"redis/{name}.json", lapwing.home))
    other = Lapwing(
        lapwing.home, settings={"LAPWING_REDIS_URL": f"unix://{redis_socket}?db={LISTED}"}
    )
    listed = ask(other, "jobs")
    # The release did not list a job that a worker had just taken from its queue.
    [taken] = [job for job in listed if job["id"] == "train-begun-05dc5f"]
    assert taken["status"] == "started"
    listed.remove(taken)
    assert differences(listed, fixture("documents/jobs.json", lapwing.home)) == []


@pytest.fixture(scope="module")
def frame(home: Path) -> bytes:
    return (home / "lake" / FRAME).read_bytes()


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[httpx.Client]:
    """The client of a service that follows the registry of 0.1.0."""
    with serving(settings(home / "models")) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client


def send(client: httpx.Client, request: dict[str, Any], frame: bytes) -> httpx.Response:
    """Send a request as the fixture describes it."""
    path = request["path"]
    if "files" in request:
        return client.post(path, files=[("files", ("f.jpg", frame))] * request["files"])
    if "body" not in request:
        return client.get(path)
    body = request["body"]
    if "text" in body:
        content = body["text"].encode()
    else:
        content = frame[: body["frame"]] if "frame" in body else bytes(body["zeros"])
    return client.post(path, content=content, headers={"Content-Type": request["type"]})


SERVED: dict[str, dict[str, Any]] = {
    "a model": {"max_body_bytes": 100_000, "backend": "litert"},
    "a token": {"api_token": "secret", "backend": "litert"},
    "no model": {},
}
"""The settings of the services that the fixtures asked."""


@pytest.mark.parametrize("served", SERVED)
def test_requests_are_answered_as_they_were(
    home: Path, tmp_path: Path, frame: bytes, served: str
) -> None:
    models = tmp_path if served == "no model" else home / "models"
    with serving(settings(models, **SERVED[served])) as client:
        if served == "a model":
            await_true(lambda: client.get("/readyz").status_code == 200)
        for expected in fixture("http/answers.json")[served]:
            request = expected.pop("request")
            answer = send(client, request, frame)
            headers = {name: answer.headers.get(name) for name in expected["headers"]}
            found = {"status": answer.status_code, "headers": headers}
            if "json" in answer.headers["content-type"]:
                found["body"] = answer.json()
            else:  # the metrics that 0.1.0 had; there may be more
                types = re.findall(r"^# TYPE (.+)$", answer.text, re.MULTILINE)
                found["body"] = [each for each in expected["body"] if each in types]
            words = {"error", "got", "remedy", "reason"}
            assert differences(found, expected, words, where=f"{request}") == []


def test_the_api_is_described_as_it_was(client: httpx.Client) -> None:
    """Descriptions and the number of the release may differ, and there may be more refusals."""

    def bare(value: Any) -> Any:
        if isinstance(value, list):
            return [bare(each) for each in value]
        if not isinstance(value, dict):
            return value
        words = {"description", "title", "summary", "examples"}
        return {key: bare(each) for key, each in value.items() if key not in words}

    found, expected = client.get("/openapi.json").json(), fixture("http/openapi.json")
    del found["info"], expected["info"]
    prediction = found["components"]["schemas"]["Prediction"]
    assert "speed_mph" not in prediction["required"]
    del prediction["properties"]["speed_mph"]  # new
    for path, methods in expected["paths"].items():
        for method, operation in methods.items():
            answers = found["paths"][path][method]["responses"]
            assert all(int(status) >= 400 for status in set(answers) - set(operation["responses"]))
            for status in set(answers) - set(operation["responses"]):
                del answers[status]
    assert differences(bare(found), bare(expected)) == []


def test_a_picture_is_answered_on_the_command_line_as_it_was(
    lapwing: Lapwing, client: httpx.Client
) -> None:
    url = str(client.base_url).rstrip("/")
    other = Lapwing(lapwing.home, settings={"LAPWING_INFERENCE_URL": url})
    found = ask(other, "predict", str(lapwing.home / "lake" / FRAME))
    assert differences(found, fixture("documents/predict.json", lapwing.home)) == []


@pytest.fixture(scope="module")
def driven() -> Iterator[tuple[Answers, int]]:
    with (
        answering.inference() as inference,
        bridge(inference.url, LAPWING_INFERENCE_TIMEOUT_MS="200") as port,
    ):
        yield inference, port


WIRE = fixture("wire.json")


@pytest.mark.parametrize("expected", WIRE["connections"], ids=lambda each: each["name"])
def test_a_simulator_is_sent_the_same_messages(
    driven: tuple[Answers, int], expected: dict[str, Any]
) -> None:
    """The names of sessions are random. Throttles are as long, with the same sign and mark.

    How strongly the car brakes and accelerates was changed after 0.1.0. So was what a client is
    told that has shown no number: 0.1.0 wrote numbers as en-US does, which froze other cultures.
    """

    def plain(text: str) -> str:
        text = re.sub(r'"sid":"[^"]+"', '"sid":"SID"', text)
        if expected["name"] == "no telemetry":
            return re.sub(r'":"-?[0-9][0-9.e-]*"', '":"a number"', text)
        return re.sub(r'"throttle":"[^"]+"', lambda each: re.sub(r"\d", "0", each[0]), text)

    inference, port = driven
    inference.status = expected["inference"]["status"]
    inference.body = expected["inference"]["body"].encode()
    url = f"ws://127.0.0.1:{port}{SOCKET_IO}"
    with closing(websocket.create_connection(url, timeout=5, suppress_origin=True)) as connection:
        assert plain(connection.recv()) == plain(expected["opened"])
        for one in expected["said"]:
            connection.send(one["client"].replace("IMAGE", WIRE["image"]))
            answers = [plain(connection.recv()) for _ in one["bridge"]]
            assert answers == [plain(each) for each in one["bridge"]]


def ended_jobs(lapwing: Lapwing) -> dict[str, Any]:
    """Wait until all jobs have ended; return them by their kind."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = ask(lapwing, "jobs")
        if all(job["status"] in ("finished", "failed") for job in found):
            return {job["id"].split("-")[0]: job for job in found}
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


@pytest.fixture(scope="module")
def jobs(lapwing: Lapwing, redis_socket: Path) -> Iterator[dict[str, Any]]:
    """The jobs that 0.1.0 queued, by their kind, after this release's workers have taken them."""
    with Redis(unix_socket_path=str(redis_socket), db=WORKED_ON) as redis:
        redis.flushdb()
        restore(redis, fixture("redis/queued.json", lapwing.home))
    environ = lapwing.environ | {
        "LAPWING_DATA_DIR": str(lapwing.home / "data"),
        "LAPWING_EVALUATION_DRIVERS": "1",
        "LAPWING_MODEL_DIR": str(lapwing.home / "models"),
    }
    workers = [
        subprocess.Popen([sys.executable, "-m", name], env=environ)
        for name in ("ingest", "trainer", "evaluator")
    ]
    try:
        yield ended_jobs(lapwing)
    finally:
        for worker in workers:
            worker.terminate()
        assert [worker.wait(30) for worker in workers] == [0, 0, 0]


@pytest.mark.parametrize("kind", REFUSED)
def test_a_queued_job_is_refused_and_says_what_to_do(jobs: dict[str, Any], kind: str) -> None:
    assert jobs[kind]["status"] == "failed"
    assert "older release" in jobs[kind]["error"]
    assert "run the command again" in jobs[kind]["error"]


def test_a_queued_import_finds_the_store(jobs: dict[str, Any], home: Path) -> None:
    """Its function has the same name as before. It verifies the store that is there."""
    assert jobs["ingest"]["status"] == "finished", jobs["ingest"]["error"]
    [imported] = jobs["ingest"]["result"]["imports"]
    found = [imported[name] for name in ("dataset", "rows", "skipped")]
    assert found == ["lake-760ecd5a", 89, True]


@pytest.mark.usefixtures("jobs")
def test_a_report_is_made_of_a_version(lapwing: Lapwing) -> None:
    """The report reads its manifest, split, layers and evaluation."""
    report = Path(ask(lapwing, "report", "1", "--wait")["report"]["markdown"]).read_text()
    version = fixture("documents/models.json")["versions"][0]
    error = f"{version['metrics']['validation_mse']:.4f}"
    for text in ("lake-760ecd5a", "Cropping2D", error, "100.0 %", "track.csv"):
        assert text in report


@pytest.mark.usefixtures("jobs")
def test_a_version_is_evaluated_as_it_was(lapwing: Lapwing) -> None:
    """It drives from a start, and along those rows of the store that its split held out.

    The car's brakes, drag and wheels, changed since, make a hundredth of difference at most.
    """
    kept = lapwing.home / "models" / "versions" / "1" / "evaluations"
    drive = json.loads((kept / DRIVE).read_text())
    shutil.rmtree(kept)
    words = f"--starts 1 --laps 0.25 --no-film --track {lapwing.home / 'track.csv'}".split()
    found = ask(lapwing, "evaluate", "1", *words, "--wait")
    assert found.pop("left_out") == {}  # new
    expected = fixture("documents/evaluate.json", lapwing.home)
    old = without(found, NEW_IN_EVALUATIONS)
    assert differences(old, expected, FREE_IN_EVALUATIONS, CAR_TOLERANCE) == []
    assert differences(json.loads((kept / DRIVE).read_text()), drive, tolerance=CAR_TOLERANCE) == []
