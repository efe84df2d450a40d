"""Compares candidates with current versions in the gate, and checks which is current then."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import candidates
from support.data.candidates import Driven

from contract.dataset import store_catalog
from contract.errors import ModelError
from contract.files import atomic_files
from contract.frames.spec import FrameSpec
from contract.models import promotion
from contract.models.journal import FIRST, GATE, Decision
from contract.models.registry import H5, TFLITE, Registry
from evaluator.jobs import gate
from evaluator.settings import Settings
from simulator.track import catalog


@pytest.fixture
def settings(tmp_path: Path, driven: Driven) -> Settings:
    return candidates.settings(tmp_path, driven.track)


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings.model_dir)


def silent(**fields: object) -> None:
    pass


def decide(
    settings: Settings, version: int = 2, job: str = "gate-1", report: Callable[..., None] = silent
) -> Decision:
    return gate.decide(settings, job, version, report)


def test_a_drive_is_so_long_that_an_intervention_costs_14_points_of_autonomy() -> None:
    """At 15 mph on the lake; an intervention counts as six seconds."""
    drive_s = gate.GATE_LAPS * catalog.load_track("lake").length_m / (15 * 0.44704)
    assert 100 * 6 / drive_s == pytest.approx(14, abs=0.5)


def test_a_worse_driver_with_a_lower_loss_is_refused(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", metrics={"validation_mse": 0.25})
    driven.publish(registry, "left", "two", metrics={"validation_mse": 0.0003})
    decision = decide(settings)
    assert (decision.accepted, decision.by, decision.previous) == (False, GATE, 1)
    assert decision.why.startswith("worse, or not shown to be as good: simulator, ")
    [found] = decision.evidence["comparisons"]
    assert (found["incumbent"], found["passed"], found["pairs"]) == (100.0, False, 4)
    assert found["candidate"] < 50
    assert registry.current() == 1
    assert registry.decisions()[-1] == decision


def test_a_better_driver_with_a_higher_loss_becomes_current(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one", metrics={"validation_mse": 0.0003})
    driven.publish(registry, "straight", "two", metrics={"validation_mse": 0.25})
    decision = decide(settings)
    assert decision.accepted
    assert decision.why.startswith("as good or better: simulator, ")
    assert registry.current() == 2
    assert atomic_files.sha256(registry.root / H5) == registry.manifest(2).sha256


def test_an_equal_driver_becomes_current(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    assert decide(settings).accepted
    assert registry.current() == 2


def test_if_neither_version_drives_the_candidate_is_refused(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "right", "two")
    decision = decide(settings)
    assert not decision.accepted
    assert decision.why.startswith(
        "nothing shows that it is not worse: neither version drives in any scenario; simulator, "
    )
    assert registry.current() == 1


def test_recordings_are_not_informative_if_both_steer_straight_on(
    settings: Settings, registry: Registry, driven: Driven, data: Path
) -> None:
    """Both have scores above half, but so has a steering of 0. A torn manifest is named.

    The candidate has a frame of its own, which a store does not keep, so the result says so.
    """
    shutil.copytree(data, settings.data_dir)
    store_catalog.paths(settings.data_dir, "torn-12345678")[1].write_text("{")
    frame = FrameSpec(color="bgr").document()
    driven.publish(registry, "straight", "one", data=[])
    driven.publish(registry, "straight", "two", data=[], frame_spec=frame)
    decision = decide(settings)
    simulator, recordings = decision.evidence["comparisons"]
    assert recordings["course"] == "recordings, held out, in frames of 128 x 128"
    assert (recordings["pairs"], recordings["passed"], recordings["tells"]) == (5, True, False)
    assert recordings["candidate"] > 50
    assert decision.why.startswith("as good or better: simulator, ")
    assert "recordings" not in decision.why
    assert simulator["tells"]
    assert [*decision.evidence["left_out"]] == ["torn-12345678"]


def test_a_candidate_that_is_worse_on_recordings_is_refused(
    settings: Settings, registry: Registry, driven: Driven, data: Path
) -> None:
    """Only the recordings weave, and "right" follows the weave better than "straight"."""
    shutil.copytree(data, settings.data_dir)
    driven.publish(registry, "right", "one", data=[])
    driven.publish(registry, "straight", "two", data=[])
    decision = decide(settings)
    simulator, recordings = decision.evidence["comparisons"]
    assert simulator["difference"] > 0
    assert recordings["tells"]
    assert not recordings["passed"]
    assert not decision.accepted


def test_the_first_version_becomes_current_without_a_comparison(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    (registry.root / "current").unlink()
    decision = decide(settings, version=1)
    assert (decision.accepted, decision.by, decision.previous) == (True, FIRST, None)
    assert decision.id == "gate-1"
    assert registry.current() == 1


def test_for_the_current_version_the_gate_repeats_its_decision(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one")
    assert decide(settings, version=1) == registry.decisions()[0]
    promotion.force(registry, driven.publish(registry, "left", "two").version, "to go back")
    promotion.rollback(registry)
    assert decide(settings, version=1) == registry.decisions()[-1]
    (registry.root / "journal.json").unlink()  # this is the remedy for a broken journal
    assert (decide(settings, version=1).accepted, registry.decisions()) == (True, [])


def test_a_damaged_candidate_is_refused_before_anything_drives(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "straight", "two")
    (registry.path(2) / TFLITE).write_bytes(b"")
    phases: list[object] = []
    with pytest.raises(ModelError, match=r"model\.tflite of model version 2 is not what"):
        decide(settings, report=lambda **fields: phases.append(fields))
    assert phases == []
    assert registry.current() == 1


def test_a_repeated_gate_keeps_its_decision_and_drives_nothing(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "straight", "two")
    files = sorted(registry.root.glob("versions/*/evaluations/**/*.json"))
    before = [path.stat().st_mtime_ns for path in files]
    assert len(files) == 2 * candidates.STARTS
    first = decide(settings)
    promotion.rollback(registry)
    assert decide(settings) == first  # and version 1 stays current
    assert registry.current() == 1
    again = decide(settings, job="gate-2")
    assert (again.accepted, again.evidence) == (True, first.evidence)
    assert sorted(registry.root.glob("versions/*/evaluations/**/*.json")) == files
    assert [path.stat().st_mtime_ns for path in files] == before


def test_a_version_that_became_current_meanwhile_is_compared_with(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    """The candidate is better than the first current version, but not than the new one."""
    driven.publish(registry, "left", "one")
    driven.publish(registry, "right", "two")
    driven.publish(registry, "straight", "three")
    phases: list[object] = []

    def report(**fields: object) -> None:
        phases.append(fields.get("version"))
        if fields.get("version") == 2 and registry.current() == 1:
            promotion.force(registry, 3, "meanwhile")

    decision = decide(settings, report=report)
    assert [each for each in phases if each] == [1, 2, 3, 2]
    assert (decision.accepted, decision.previous) == (False, 3)
    assert registry.current() == 3
