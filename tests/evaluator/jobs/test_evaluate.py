import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data import candidates
from support.data.candidates import Driven

from contract.errors import LapwingError, ModelError, SettingError
from contract.frames.spec import FrameSpec
from contract.jobs import queue
from contract.models.registry import Registry
from evaluator.closed_loop import paired_drives, rollouts
from evaluator.jobs import evaluate as evaluate_job
from evaluator.settings import Settings
from lapwing.output import models

LAPS = 0.02
# The options of the drives that were made before.
KEPT: dict[str, Any] = {
    "starts": candidates.STARTS,
    "laps": paired_drives.GATE_LAPS,
    "seed": paired_drives.GATE_SEED,
    "film": False,
}


@pytest.fixture
def settings(tmp_path: Path, driven: Driven) -> Settings:
    made = candidates.settings(tmp_path, driven.track)
    driven.publish(Registry(made.model_dir), "straight", "one", data=[])
    return made


def evaluate(
    settings: Settings,
    report: queue.Report = lambda **fields: None,
    words: list[str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    given = {
        "version": 1,
        "track": settings.gate_track,
        "starts": 1,
        "laps": LAPS,
        "seed": 1,
        "film": True,
    } | changes
    return evaluate_job.evaluate(settings, report, words=words or ["clear"], **given)


def test_all_results_are_written_beside_the_version(settings: Settings, data: Path) -> None:
    shutil.copytree(data, settings.data_dir)
    phases: list[object] = []
    result = evaluate(
        settings, lambda **fields: phases.append(fields.get("phase")), ["clear", "fog+delay=50ms"]
    )
    root = rollouts.evaluations_folder(Registry(settings.model_dir), 1)
    folder = Path(result["evaluation"]["folder"])
    assert folder.parent == root
    assert folder.name.endswith("-1x0.02-seed1")
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "evaluation.json",
        "conditions.png",
        *(
            f"{name}{suffix}"
            for name in ("clear", "fog+delay=50ms")
            for suffix in (".png", "-worst.png", "-worst.mp4")
        ),
    }
    document = json.loads((folder / "evaluation.json").read_text())
    assert (document["version"], document["starts"], document["laps"]) == (1, 1, LAPS)
    assert document["model_sha256"] == Registry(settings.model_dir).manifest(1).sha256
    for each in document["conditions"]:
        assert {each["film"], *each["pictures"]} <= files
        assert len(each["drives"]) == 1
        assert each["measures"]["success_percent"]["mean"] == 100.0
    replay = json.loads((root / "replay" / "replay.json").read_text())
    assert replay == {"version": 1, "datasets": result["replay"]}
    assert [each["held_out"] for each in replay["datasets"]] == [
        "the version was not trained on this dataset"
    ] * 2
    assert all(
        (root / "replay" / name).is_file()
        for each in replay["datasets"]
        for name in each["pictures"]
    )
    openloop = json.loads((root / "openloop" / "openloop.json").read_text())
    assert [each["leak"] for each in openloop["datasets"]] == [
        "the version was not trained on this dataset"
    ] * 2
    assert [each for each in phases if each] == ["replay", "replay", "drive", "draw"]
    # The command line gets and shows the result without the single drives.
    assert set(result["evaluation"]["conditions"][0]) == {"condition", "measures", "film"}
    assert models.read_scores(root.parent)["drives"].startswith("100 % (100-100) ")


def test_an_evaluation_replaces_only_the_same_evaluation(settings: Settings) -> None:
    """Folder names contain dots: half a lap's temporary folder is not that of another."""
    root = rollouts.evaluations_folder(Registry(settings.model_dir), 1)
    root.mkdir(exist_ok=True)
    name = Path(evaluate(settings, **KEPT)["evaluation"]["folder"]).name
    assert name.endswith("-4x0.125-seed20261")
    others = [root / f".{name.replace('0.125', '0.5')}.{'0' * 32}.tmp", root / "drives"]
    others[0].mkdir()
    left = root / f".{name}.{'0' * 32}.tmp"
    left.mkdir()
    again = evaluate(settings, **KEPT)
    assert again["evaluation"]["conditions"][0]["film"] is None
    assert all(path.is_dir() for path in others)
    assert not left.exists()
    assert models.read_scores(root.parent)["replay"] == "-"


def test_recordings_without_held_out_rows_are_left_out(settings: Settings, data: Path) -> None:
    shutil.copytree(data, settings.data_dir)
    names = [path.stem for path in (data / "stores").glob("[!.]*.json")]
    registry = Registry(settings.model_dir)
    path = registry.path(1) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["data"] = [{"dataset": each} for each in names]
    path.write_text(json.dumps(manifest))
    result = evaluate(settings, **KEPT)
    assert (result["replay"], result["openloop"]) == ([], [])


@pytest.mark.parametrize(
    ("words", "changes", "error"),
    [
        (["rain"], {}, SettingError),
        (["fog", "fog"], {}, SettingError),
        (["clear"], {"track": "moon"}, SettingError),
        (["clear"], {"version": 7}, ModelError),
    ],
)
def test_an_error_in_the_options_comes_before_the_first_drive(
    settings: Settings, words: list[str], changes: dict[str, Any], error: type[LapwingError]
) -> None:
    phases: list[object] = []
    with pytest.raises(error):
        evaluate(settings, lambda **fields: phases.append(fields), words, **changes)
    assert phases == []


@pytest.mark.parametrize(
    "asked", [{"starts": 0}, {"starts": 201}, {"laps": 0.0}, {"laps": float("nan")}, {"seed": -1}]
)
def test_a_job_with_options_out_of_range_is_refused(
    asked: dict[str, Any], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds for a job that no command of Lapwing queued, too."""
    job = Job.fetch(queue.enqueue(queue.EVALUATE, redis, "1", {}), redis, serializer=JSONSerializer)
    monkeypatch.setattr(queue, "get_current_job", lambda: job)
    with pytest.raises(
        SettingError, match="the number of starts, laps or the seed is out of range"
    ):
        evaluate_job.run(1, **asked)


def test_results_on_stored_frames_say_that_an_imported_version_saw_less(
    settings: Settings, driven: Driven, data: Path
) -> None:
    shutil.copytree(data, settings.data_dir)
    registry = Registry(settings.model_dir)
    frame = FrameSpec(color="bgr").document()
    driven.publish(registry, "straight", "theirs", data=[], frame_spec=frame)
    result = evaluate(settings, version=2, film=False)
    assert result["replay"]
    for dataset, scored in zip(result["replay"], result["openloop"], strict=True):
        assert "it saw less detail than it does when it drives" in dataset["held_out"]
        assert scored["leak"] == dataset["held_out"]
