import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.data import candidates
from support.data.candidates import Driven
from support.services import running

from contract.errors import JobError, ModelError, SettingError
from contract.files import atomic_files
from contract.models.registry import TFLITE, Registry
from evaluator.closed_loop import rollouts
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.executors.policy_source import ModelFolder
from evaluator.closed_loop.perturbations import Condition, parse
from evaluator.closed_loop.rollouts import Rollout, RolloutPool, Scenario
from simulator.track.catalog import load_track

SHORT = 0.02
"""Laps of a drive: a metre and a half."""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def test_each_drive_is_kept_under_its_scenario_and_number(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    course = candidates.scenario(driven.track)
    folder = rollouts.evaluations_folder(registry, 1) / "drives" / course.folder
    assert course.folder.parts == (
        f"straight-{atomic_files.sha256(driven.track)[:8]}",
        "clear",
        "0.125-20261",
    )
    assert sorted(path.name for path in folder.iterdir()) == [f"{n:02}.json" for n in (1, 2, 3, 4)]
    kept = [json.loads((folder / f"{n:02}.json").read_text()) for n in (1, 2, 3, 4)]
    assert kept == driven.outcomes["straight"]


def test_the_folder_of_a_random_track_has_a_name_that_every_file_system_takes() -> None:
    course = Scenario("random:7", Condition(), 1.0, 3)
    assert course.folder.parts == ("random-7", "clear", "1-3")


def test_drives_from_the_same_starts_differ_between_drivers(driven: Driven) -> None:
    good, bad = driven.outcomes["straight"], driven.outcomes["left"]
    assert all(each["success"] for each in good)
    assert not any(each["success"] for each in bad)
    for name in ("direction", "station_m", "lateral_m", "seed"):
        assert [each[name] for each in good] == [each[name] for each in bad]
    assert [each["direction"] for each in good] == [1, -1, 1, -1]
    assert max(abs(each["lateral_m"]) for each in good) <= 0.25


def test_only_missing_drives_are_driven(registry: Registry, driven: Driven) -> None:
    """A drive is exactly the same in every process and with every number of starts."""
    driven.publish(registry, "straight", "one", gate=False)
    course = candidates.scenario(driven.track)
    folder = rollouts.evaluations_folder(registry, 1) / "drives" / course.folder
    (folder / "02.json").unlink()
    before = (folder / "01.json").stat().st_mtime_ns
    calls: list[tuple[int, int]] = []
    [found] = rollouts.run_rollouts(
        registry, 1, [course], 3, LocalProcesses(2), lambda done, total: calls.append((done, total))
    )
    assert found == driven.outcomes["straight"][:3]
    assert calls == [(2, 3), (3, 3)]
    assert (folder / "01.json").stat().st_mtime_ns == before


def test_drives_of_several_versions_come_back_in_the_order_in_which_they_were_asked_for(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    driven.publish(registry, "left", "two", gate=False)
    course = candidates.scenario(driven.track)
    asked = [Rollout(2, course, 1), Rollout(1, course, 3), Rollout(2, course, 0)]
    with RolloutPool(registry, LocalProcesses(1)) as pool:
        found = pool.run(asked)
        assert multiprocessing.active_children() == []  # all results were kept
    left, straight = driven.outcomes["left"], driven.outcomes["straight"]
    assert found == [left[1], straight[3], left[0]]


def test_the_processes_are_kept_from_one_call_to_the_next(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    course = Scenario(str(driven.track), Condition(), SHORT, 1)
    with RolloutPool(registry, LocalProcesses(1)) as pool:
        pool.run([Rollout(1, course, 0)])
        [first] = multiprocessing.active_children()
        pool.run([Rollout(1, course, 1)])
        assert multiprocessing.active_children() == [first]
    assert multiprocessing.active_children() == []


def test_a_damaged_version_is_an_error_before_the_first_drive(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    (registry.path(1) / TFLITE).write_bytes(b"")
    with (
        RolloutPool(registry, LocalProcesses(1)) as pool,
        pytest.raises(ModelError, match=r"model\.tflite of model version 1 is not what"),
    ):
        pool.run([Rollout(1, candidates.scenario(driven.track), 0)])


def test_each_condition_has_a_folder_of_its_name(registry: Registry, driven: Driven) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    words = ["fog+delay=50ms", "offset=1m"]
    courses = [Scenario(str(driven.track), each, SHORT, 1) for each in parse(words)]
    [[foggy], [beside]] = rollouts.run_rollouts(registry, 1, courses, 1, LocalProcesses(1))
    assert (foggy["light"], beside["light"]) == ("fog", "clear")
    assert abs(beside["lateral_m"]) == 1.0
    root = rollouts.evaluations_folder(registry, 1) / "drives" / courses[0].folder.parts[0]
    assert sorted(path.name for path in root.iterdir()) == ["clear", *sorted(words)]
    assert (root / "fog+delay=50ms" / "0.02-1" / "01.json").is_file()


def test_a_changed_track_file_has_another_folder(tmp_path: Path) -> None:
    track = candidates.road(tmp_path)
    before = candidates.scenario(track).folder
    track.write_text(track.read_text().replace(",8", ",9"))
    after = candidates.scenario(track).folder
    assert before.parts[1:] == after.parts[1:]
    assert before.parts[0] != after.parts[0]


def test_slightly_different_laps_are_another_scenario() -> None:
    folders = {Scenario("lake", Condition(), laps, 1).folder for laps in (1.0, 1, 1.0000001)}
    assert len(folders) == 2


def test_a_drive_on_a_track_that_changes_meanwhile_is_not_kept(
    registry: Registry, driven: Driven, tmp_path: Path
) -> None:
    track = candidates.road(tmp_path)
    driven.publish(registry, "straight", "one", gate=False)

    def on_progress(done: int, total: int) -> None:
        track.write_text(track.read_text().replace(",8", ",9"))

    course = Scenario(str(track), Condition(), SHORT, 1)
    with pytest.raises(SettingError, match="the track was changed while it was driven"):
        rollouts.run_rollouts(registry, 1, [course], 1, LocalProcesses(1), on_progress)
    assert not list(registry.root.glob("versions/1/evaluations/drives/*/clear/0.02-1/*"))


def test_an_unknown_track_is_an_error_before_the_first_drive(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    for track in ("moon", "/nowhere/moon.csv"):
        course = Scenario(track, Condition(), SHORT, 1)
        with pytest.raises(SettingError):
            rollouts.run_rollouts(registry, 1, [course], 1, LocalProcesses(1))


def test_an_unreadable_drive_is_named(registry: Registry, driven: Driven) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    course = candidates.scenario(driven.track)
    path = rollouts.evaluations_folder(registry, 1) / "drives" / course.folder / "03.json"
    path.write_text("{")
    with pytest.raises(ModelError, match=r"03\.json cannot be read.*Remove it"):
        rollouts.run_rollouts(registry, 1, [course], 4, LocalProcesses(1))


def test_an_error_is_raised_before_the_other_drives_finish(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", gate=False)

    def on_progress(done: int, total: int) -> None:
        if done:
            raise JobError("the time is up")

    course = Scenario(str(driven.track), Condition(), SHORT, 1)
    with pytest.raises(JobError, match="the time is up"):
        rollouts.run_rollouts(registry, 1, [course], 12, LocalProcesses(1), on_progress)
    kept = rollouts.evaluations_folder(registry, 1) / "drives" / course.folder
    assert 1 <= len(list(kept.glob("[!.]*.json"))) <= 5


def test_a_drive_can_be_filmed(registry: Registry, driven: Driven, tmp_path: Path) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    course = Scenario(str(driven.track), parse(["delay=100ms"])[0], SHORT, 1)
    source, track = ModelFolder(registry.root, 1), load_track(course.track)
    found = rollouts.drive_once(source, track, course, 1, tmp_path / "film", film=True)
    assert found["direction"] == -1
    assert {path.name for path in (tmp_path / "film").iterdir()} == {
        "drive.json",
        "drive.mp4",
        "drive.png",
    }


KILLED = """
if __name__ == "__main__":
    import sys
    from pathlib import Path
    from contract.models.registry import Registry
    from evaluator.closed_loop.executors.local_processes import LocalProcesses
    from evaluator.closed_loop.perturbations import Condition
    from evaluator.closed_loop.rollouts import Scenario, run_rollouts
    scenario = Scenario(sys.argv[2], Condition(), 0.25, 7)
    run_rollouts(Registry(Path(sys.argv[1])), 1, [scenario], 50, LocalProcesses(2))
"""


def test_all_processes_end_when_the_job_is_killed(
    registry: Registry, driven: Driven, tmp_path: Path
) -> None:
    driven.publish(registry, "straight", "one", gate=False)
    script, mark = tmp_path / "job.py", f"LAPWING_TEST_MARK={tmp_path}"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(registry.root), str(driven.track)],
        env={**os.environ, "LAPWING_TEST_MARK": str(tmp_path)},
    )
    kept = rollouts.evaluations_folder(registry, 1) / "drives"
    deadline = time.monotonic() + 120
    while not list(kept.glob("*/clear/0.25-7/[!.]*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(running.processes(mark)) >= 3  # the job and two drivers
    process.kill()
    process.wait(20)
    while running.processes(mark):
        assert time.monotonic() < deadline, running.processes(mark)
        time.sleep(0.1)
    for path in kept.glob("*/clear/0.25-7/[!.]*.json"):
        assert "metrics" in json.loads(path.read_text())  # every visible file is complete
