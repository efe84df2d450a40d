"""Tests of the options of `lapwing train`, which are made from TrainConfig."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis
from support.data.manifests import write_manifest
from support.data.versions import publish_one
from typer.testing import CliRunner

from contract.errors import ModelError, SettingError, StoreError, TrainingError
from contract.frames import spec
from contract.jobs import queue
from contract.models.registry import Registry
from contract.train_config import TrainConfig
from lapwing.app import app

FIELDS = dataclasses.fields(TrainConfig)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_socket: Path) -> None:
    monkeypatch.setenv("LAPWING_HOME", str(tmp_path))
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    write_manifest(tmp_path / "data", "lake-11111111", frame_spec=spec.SPEC)


def train(*words: str) -> Result:
    return CliRunner().invoke(app, ["train", *words, "--no-wait"])


def queued_arguments(redis: Redis) -> dict[str, Any]:
    """Return the arguments of the only queued job."""
    [view] = queue.views(redis)
    return view.arguments


def test_without_options_a_job_has_the_defaults_of_the_configuration(redis: Redis) -> None:
    assert train().exit_code == 0
    assert queued_arguments(redis) == {"datasets": [], **dataclasses.asdict(TrainConfig())}


def test_each_field_is_an_option_with_its_description() -> None:
    done = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "80"})
    words = " ".join(done.stdout.split())
    for field in FIELDS:
        assert f"--{field.name.replace('_', '-')} " in words
        assert field.metadata["description"] in words
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_given_options_reach_the_job(redis: Redis) -> None:
    done = train("lake", "--epochs", "3", "--no-flip", "--split", "blocks", "--brightness", "0.5")
    assert done.exit_code == 0
    config = TrainConfig(epochs=3, flip=False, split="blocks", brightness=0.5)
    assert queued_arguments(redis) == {"datasets": ["lake"], **dataclasses.asdict(config)}


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("0.25", 0.25)])
def test_the_steering_correction_is_a_word_or_a_number(
    redis: Redis, text: str, value: float | str
) -> None:
    assert train("--steering-correction", text).exit_code == 0
    assert queued_arguments(redis)["steering_correction"] == value


@pytest.mark.parametrize("field", [field for field in FIELDS if field.metadata["formerly"]])
def test_the_names_of_release_0_1_0_still_work_with_a_warning(
    redis: Redis, field: dataclasses.Field[Any]
) -> None:
    former = f"--{field.metadata['formerly'].replace('_', '-')}"
    current = f"--{field.name.replace('_', '-')}"
    done = train(former, "0.5")
    assert done.exit_code == 0
    assert f"{former} is now called {current}." in done.stderr
    assert queued_arguments(redis)[field.name] == 0.5
    assert f"{former} " not in CliRunner().invoke(app, ["train", "--help"]).stdout


def test_an_option_under_both_of_its_names_is_refused(redis: Redis) -> None:
    done = train("--light", "0.5", "--brightness", "0.4")
    assert isinstance(done.exception, SettingError)
    assert "got --light and --brightness" in str(done.exception)
    assert queue.views(redis) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--epochs", "0"),
        ("--blur", "1.5"),
        ("--light", "2"),
        ("--learning-rate", "nan"),
        ("--workers", "0"),
    ],
)
def test_a_number_out_of_range_is_refused_at_once(redis: Redis, words: tuple[str, str]) -> None:
    done = train(*words)
    assert done.exit_code == 2
    assert f"Invalid value for '{words[0]}'" in done.stderr
    assert queue.views(redis) == []


def test_an_unknown_word_is_refused_at_once(redis: Redis) -> None:
    done = train("--split", "thirds")
    assert isinstance(done.exception, TrainingError)
    assert "It must be one of auto, recordings, blocks" in str(done.exception)
    assert queue.views(redis) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("ocean",), "no such dataset: got ocean. There are ['lake-11111111']"),
        (("--split", "recordings"), "a split by recordings needs at least two recordings: got 1"),
        (("--steering-correction", "nan"), "--steering-correction has a value it cannot take"),
    ],
)
def test_what_the_job_would_refuse_is_refused_at_once(
    redis: Redis, words: tuple[str, ...], why: str
) -> None:
    done = train(*words)
    assert isinstance(done.exception, SettingError | StoreError | TrainingError)
    assert why in str(done.exception)
    assert queue.views(redis) == []


def test_without_recordings_nothing_is_queued(tmp_path: Path, redis: Redis) -> None:
    shutil.rmtree(tmp_path / "data")
    done = train()
    assert isinstance(done.exception, StoreError)
    assert "there is no recording to train on" in str(done.exception)
    assert queue.views(redis) == []


def test_a_dataset_that_cannot_be_read_is_told_and_left_out(tmp_path: Path, redis: Redis) -> None:
    (tmp_path / "data" / "stores" / "jungle-22222222.json").write_text("{")
    done = train()
    assert done.exit_code == 0
    assert "not trained on: the manifest jungle-22222222.json cannot be read" in done.stderr
    assert len(queue.views(redis)) == 1


def test_a_version_to_go_on_from_reaches_the_job(tmp_path: Path, redis: Redis) -> None:
    publish_one(Registry(models_folder(tmp_path)), "one")
    assert train("lake", "--from", "1").exit_code == 0
    [view] = queue.views(redis)
    assert view.id.startswith("train-from-1-lake-")
    expected = {"datasets": ["lake"], "parent": 1, **dataclasses.asdict(TrainConfig())}
    assert view.arguments == expected


def test_the_number_of_workers_reaches_the_job_beside_the_options(redis: Redis) -> None:
    """It does not change what is trained, so it is no field of the configuration."""
    assert train("lake", "--workers", "2").exit_code == 0
    config = dataclasses.asdict(TrainConfig())
    assert queued_arguments(redis) == {"datasets": ["lake"], "workers": 2, **config}
    assert "workers" not in config


def test_a_version_that_does_not_exist_is_refused_at_once(tmp_path: Path, redis: Redis) -> None:
    publish_one(Registry(models_folder(tmp_path)), "one")
    done = train("--from", "2")
    assert isinstance(done.exception, ModelError)
    assert "no such model version: got 2. There are [1]" in str(done.exception)
    assert queue.views(redis) == []


def models_folder(home: Path) -> Path:
    """Return the model volume of the stack in a folder."""
    folder = home / "models"
    folder.mkdir(exist_ok=True)
    return folder


def test_with_simulator_adds_its_laps_to_the_datasets(tmp_path: Path, redis: Redis) -> None:
    """Without names, all others are named, so that the job takes them too."""
    laps = [f"simulated-lap-{number}-0a1b2c3d" for number in (1, 2, 3)]
    for lap in laps:
        write_manifest(tmp_path / "data", lap, lap, frame_spec=spec.SPEC)
    for words, own in (((), "lake-11111111"), (("lake",), "lake"), (("lake", laps[0]), "lake")):
        done = train(*words, "--with-simulator", "--simulator-laps", "2")
        assert done.exit_code == 0, done.output
        [view] = [job for job in queue.views(redis) if job.status == "queued"]
        assert view.arguments["datasets"] == [own, *laps[:2]]
        queue.cancel(view.id, redis)


def test_the_share_of_the_simulator_reaches_the_job(redis: Redis) -> None:
    assert train("--simulator-share", "0.3").exit_code == 0
    assert queued_arguments(redis)["simulator_share"] == 0.3


def test_with_simulator_a_training_that_is_refused_records_nothing(redis: Redis) -> None:
    done = train("ocean", "--with-simulator")
    assert isinstance(done.exception, StoreError)
    assert queue.views(redis) == []
