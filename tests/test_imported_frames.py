"""Follows a picture to imported models: each sees what its author's own program showed it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from support.data import authors, samples
from support.data.authors import AUTHORS, JPEGS, Answer
from support.data.roads import circle
from support.services import serving
from support.waiting import await_true

from contract.frames import preprocess, spec
from contract.models import golden, promotion
from contract.models.registry import Registry
from contract.policy import load_version
from evaluator.offline import logged_drive, replay_policies
from evaluator.offline.score_command import score
from simulator.drivers.in_process import ModelDriver
from simulator.world import World

TOLERANCE = 0.002
"""Largest mean difference in steering to the author's own program."""


class Imported(NamedTuple):
    """The registry of the imported models, and what their authors' programs answer."""

    registry: Registry
    answers: dict[str, Answer]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    folder = tmp_path_factory.mktemp("authors")
    answers = authors.make(folder)
    return Imported(Registry(folder / "models"), answers)


@pytest.fixture(scope="module")
def client(imported: Imported) -> Iterator[httpx.Client]:
    with serving.serving(serving.settings(imported.registry.root, workers=1)) as client:
        yield client


def apart(found: list[float], answer: Answer) -> float:
    """Return the mean difference to the author's steering, which is limited to -1..1."""
    return float(np.abs(np.array(found) - np.clip(answer.steering, -1, 1)).mean())


def recording_of(folder: Path, steering: list[float]) -> Path:
    """Write a recording with the pictures JPEGS and this steering."""
    samples.recording(folder, rows=len(JPEGS), cameras=("center",))
    log = folder / "driving_log.csv"
    lines = []
    for line, value in zip(log.read_text().splitlines(), steering, strict=True):
        name, _, *others = line.split(",")
        lines.append(",".join([name, repr(value), *others]))
    log.write_text("\n".join(lines) + "\n")
    for path, jpeg in zip(sorted((folder / "IMG").iterdir()), JPEGS, strict=True):
        path.write_bytes(jpeg)
    return folder


@pytest.mark.parametrize("name", AUTHORS)
def test_predict_answers_as_the_authors_program(
    imported: Imported, client: httpx.Client, name: str
) -> None:
    answer = imported.answers[name]
    if imported.registry.current() != answer.version:
        promotion.force(imported.registry, answer.version, "a test needs it")
    await_true(lambda: client.get("/readyz").json()["model_version"] == answer.version)
    replies = [serving.predict(client, jpeg).json() for jpeg in JPEGS]
    assert {reply["model_version"] for reply in replies} == {answer.version}
    assert apart([reply["steering"] for reply in replies], answer) <= TOLERANCE
    document = client.get("/model").json()["frame_spec"]
    assert document == imported.registry.manifest(answer.version).frame_spec
    assert client.get("/readyz").json()["ready"] is True


@pytest.mark.parametrize("name", AUTHORS)
def test_the_simulator_and_log_replay_show_the_same(
    imported: Imported, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    answer = imported.answers[name]
    _, steer = load_version.load(imported.registry, answer.version)
    driver, world = (
        ModelDriver(load_version.load_policy(imported.registry, answer.version).answer_picture),
        World(circle(30)),
    )
    driven = [driver.command(jpeg, world)[0] for jpeg in JPEGS]
    assert apart(driven, answer) <= TOLERANCE

    drive = logged_drive.read_folder(recording_of(tmp_path / "run", driven))
    policy = replay_policies.make_policy("model", drive, steer, 1)
    replayed = [policy(row, lambda row: drive.image(row, 0)) for row in range(len(JPEGS))]
    assert replayed == driven

    score(answer.version, [tmp_path / "run"], imported.registry.root, as_json=True)
    (scored,) = json.loads(capsys.readouterr().out)["recordings"]
    assert scored["score"]["mse"] < 1e-12


@pytest.mark.parametrize("name", AUTHORS)
def test_these_models_see_the_detail_that_a_stored_frame_has_lost(
    imported: Imported, name: str
) -> None:
    """Otherwise the other tests would prove nothing."""
    answer = imported.answers[name]
    lost = np.abs(np.array(answer.squeezed) - answer.steering).mean()
    assert lost > 2 * TOLERANCE
    assert np.std(answer.steering) == pytest.approx(0.3, abs=1e-3)


def test_the_manifest_says_what_a_model_is_given(imported: Imported) -> None:
    frame = spec.parse(imported.registry.manifest(imported.answers["nvidia"].version).frame_spec)
    assert frame == spec.FrameSpec(66, 200, "yuv", "linear", (60, 25))
    assert imported.registry.manifest(imported.answers["nvidia"].version).config["frame"] == (
        "rows 60 to 134 of 160, resized to 200 x 66 (linear), yuv"
    )


def test_golden_frames_are_pictures_whose_preparation_is_checked_too(imported: Imported) -> None:
    number = imported.answers["nvidia"].version
    manifest = imported.registry.manifest(number)
    known = golden.read(imported.registry.path(number) / golden.FILE)
    assert known.frames.shape == (golden.COUNT, 160, 320, 3)
    frame = spec.parse(manifest.frame_spec)
    assert preprocess.fit(known.frames[0], frame).shape == (66, 200, 3)
    _, steer = load_version.load(imported.registry, number)
    answers = [steer(picture) for picture in known.frames]
    np.testing.assert_allclose(answers, np.clip(known.answers[:, 0], -1, 1), atol=1e-6)
