"""Tests of `lapwing datasets` with datasets that are described already, so that no worker runs.

tests/ingest/overview makes the descriptions, and test_end_to_end.py runs the job.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis
from support.data.models import manifest as model_manifest
from support.data.versions import publish_one, staged
from typer.testing import CliRunner

from contract.dataset import exclusions, overviews, store_catalog
from contract.dataset.overviews import DatasetOverview
from contract.dataset.store_catalog import StoreManifest
from contract.errors import LapwingError, SettingError, StoreError
from contract.files import atomic_files
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.app import app

LAKE, JUNGLE, AGAIN = "lake-11111111", "jungle-22222222", "lake-33333333"


def add_dataset(data: Path, dataset: str, recording: str, at: str, described: bool = True) -> None:
    """Write the files of a dataset of 100 rows: lines 2 to 101."""
    source: dict[str, object] = {"name": recording, "sha256": "0" * 64}
    report: dict[str, object] = {"reasons": {}, "rejected": 0, "notes": []}
    manifest = StoreManifest(dataset, 2, {}, 100, 300, 9, 32, [], "0", source, report, at)
    store, path = store_catalog.paths(data, dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_bytes(b"x" * 1_000_000)
    path.write_text(json.dumps(dataclasses.asdict(manifest)))
    if described:
        sha256 = atomic_files.sha256(path)
        finding: dict[str, Any] = {"name": "steering-bias", "evidence": "e", "cure": "c"}
        overview = DatasetOverview(
            dataset, sha256, 100, 3, ((2, 101),), 1.5, 2, 1.25, 20.0, -0.04, 0.13, 0.7, 0, [finding]
        )
        overviews.write(data, overview)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_socket: Path, redis: Redis) -> Path:
    """The data volume of a home with two datasets, in which no worker runs."""
    monkeypatch.setenv("LAPWING_HOME", str(tmp_path))
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    add_dataset(tmp_path / "data", LAKE, "lake", "2026-01-01")
    add_dataset(tmp_path / "data", JUNGLE, "jungle", "2026-01-02")
    return tmp_path / "data"


def lapwing(*words: str) -> Result:
    return CliRunner().invoke(app, ["datasets", *words])


def refusal(*words: str) -> LapwingError:
    """Return the error of a command that is refused."""
    error = lapwing(*words).exception
    assert isinstance(error, LapwingError), error
    return error


def entries() -> dict[str, Any]:
    document = json.loads(lapwing("--json").stdout)
    return {entry["dataset"]: entry for entry in document["datasets"]}


def publish_trained_on(data: Path, dataset: str) -> int:
    """Publish a version that was trained on a dataset, and return its number."""
    registry = Registry(data.parent / "models")
    registry.root.mkdir(exist_ok=True)
    trained = dataclasses.replace(model_manifest("job"), data=[{"dataset": dataset}])
    return registry.publish(staged(registry.root, "job"), trained).version


def test_the_list_has_figures_findings_users_and_bytes(data: Path) -> None:
    version = publish_trained_on(data, LAKE)
    lines = lapwing().stdout.splitlines()
    heading = [
        "name",
        "dataset",
        "rows",
        "min",
        "laps",
        "mean",
        "spread",
        "findings",
        "versions",
        "MB",
    ]
    assert lines[0].split() == heading
    lake = f"lake {LAKE} 100 1.5 1.2 -0.040 0.130 steering-bias {version} 1.0".split()
    assert lines[1].split() == lake
    assert lines[2].split()[-2:] == ["-", "1.0"]


def test_a_dataset_that_is_not_described_yet_is_listed_with_the_reason(data: Path) -> None:
    add_dataset(data, AGAIN, "other", "2026-01-03", described=False)
    output = lapwing().stdout
    assert f"The figures of {AGAIN} are not known yet: no ingest worker runs" in output
    assert entries()[AGAIN]["overview"] is None


def test_a_torn_dataset_is_listed_with_its_reason(data: Path) -> None:
    store_catalog.paths(data, LAKE)[1].write_text("{")
    output = lapwing().stdout
    assert f"{LAKE}: the manifest {LAKE}.json cannot be read" in output
    assert "lapwing doctor --cure" in output
    assert entries()[JUNGLE]["unreadable"] == ""
    assert "cannot be read" in entries()[LAKE]["unreadable"]


def test_excluded_rows_are_counted_by_the_rows_that_there_are(data: Path) -> None:
    done = lapwing("exclude", "lake", "1-11,50", "100-", "--why", "the kerb")
    assert "13 rows more are excluded; 13 of 100 rows are excluded now (version 1" in done.stdout
    assert exclusions.read(data, LAKE).reasons == [(((1, 11), (50, 50), (100, 101)), "the kerb")]
    assert "100 - 13" in lapwing().stdout
    assert entries()[LAKE]["excluded"] == 13


def test_rows_come_back_and_the_history_stays(data: Path) -> None:
    lapwing("exclude", "lake", "10-19", "--why", "a")
    assert "4 rows are back in use; 6 of 100" in lapwing("restore", "lake", "10-13").stdout
    document = json.loads(lapwing("restore", "lake", "--why", "all is well", "--json").stdout)
    state = document["exclusions"]
    assert (state["rows"], state["version"], state["lines"]) == (0, 3, [])
    assert [change["why"] for change in state["changes"]] == ["a", "", "all is well"]
    assert "nothing changes" in lapwing("restore", "lake").stdout


@pytest.mark.parametrize("text", ["x", "5-", "0", "9-3", "-4", "1.5", "1000-2000"])
def test_what_names_no_row_is_refused(data: Path, text: str) -> None:
    """Only 5- names rows."""
    done = lapwing("exclude", "lake", "--why", "a", "--", text)
    assert (done.exit_code == 0) == (text == "5-")
    if text != "5-":
        assert isinstance(done.exception, SettingError)
        assert exclusions.read(data, LAKE).version == 0


def test_an_exclusion_without_a_reason_is_refused(data: Path) -> None:
    assert lapwing("exclude", "lake", "3").exit_code == 2
    assert "needs a reason" in str(refusal("exclude", "lake", "3", "--why", " "))


def test_a_renamed_dataset_is_found_by_its_new_name_and_its_own(data: Path) -> None:
    version = publish_trained_on(data, LAKE)
    lapwing("rename", "lake", "night")
    assert entries()[LAKE]["name"] == "night"
    assert entries()[LAKE]["versions"] == [version]
    assert "no such dataset" in str(refusal("exclude", "lake", "3", "--why", "a"))
    assert lapwing("exclude", "night", "3", "--why", "a").exit_code == 0
    assert lapwing("exclude", LAKE, "4", "--why", "a").exit_code == 0
    assert lapwing("rename", "night", "lake").exit_code == 0


@pytest.mark.parametrize("name", ["jungle", JUNGLE])
def test_a_name_that_selects_another_dataset_is_refused(data: Path, name: str) -> None:
    assert "another dataset has this name" in str(refusal("rename", "lake", name))


def test_a_name_of_several_datasets_is_not_guessed(data: Path) -> None:
    add_dataset(data, AGAIN, "lake", "2026-01-03")
    error = refusal("remove", "lake")
    assert f"several datasets are called lake: got {LAKE}, {AGAIN}" in str(error)


def test_a_dataset_that_a_version_was_trained_on_stays_unless_forced(data: Path) -> None:
    version = publish_trained_on(data, LAKE)
    error = refusal("remove", "lake")
    assert isinstance(error, StoreError)
    assert f"{LAKE} is in use: got trained on by version {version}" in str(error)
    assert "which frees 1.0 MB" in lapwing("remove", "lake", "--force").stdout
    assert [*entries()] == [JUNGLE]


def test_a_version_that_does_not_say_what_it_was_trained_on_stops_a_removal(data: Path) -> None:
    registry = Registry(data.parent / "models")
    registry.root.mkdir()
    publish_one(registry, "one")
    (registry.path(1) / "manifest.json").write_text("{")
    assert "may be in use: got version 1, which cannot say" in str(refusal("remove", "lake"))


def test_a_dataset_that_a_job_may_need_stays(data: Path, redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "all", {"datasets": []})
    assert f"may be in use: got {job} queued" in str(refusal("remove", "lake"))
    queue.cancel(job, redis)
    assert lapwing("remove", "lake").exit_code == 0


def test_a_torn_dataset_can_be_removed(data: Path) -> None:
    store_catalog.paths(data, LAKE)[1].write_text("{")
    assert lapwing("remove", LAKE).exit_code == 0
    assert [*entries()] == [JUNGLE]


def test_show_queues_the_job_that_draws(data: Path, redis: Redis) -> None:
    assert "queued overview-" in lapwing("show", "lake", "--no-wait").stdout
    [view] = queue.views(redis)
    assert (view.queue, view.arguments) == ("ingest", {"datasets": [LAKE], "pictures": True})
