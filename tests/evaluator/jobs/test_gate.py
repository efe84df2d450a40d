"""Compares candidates with current versions in the gate, and checks which is current then."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.data import candidates, models, samples
from support.data.candidates import Driven

from contract.dataset import split_file, store_catalog, trained_rows
from contract.dataset.split_file import SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.errors import ModelError
from contract.files import atomic_files
from contract.frames.spec import FrameSpec
from contract.models import golden, promotion
from contract.models.journal import FIRST, GATE, Decision
from contract.models.registry import H5, TFLITE, Registry
from evaluator.jobs import gate
from evaluator.settings import Settings
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings


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


@pytest.fixture(scope="module")
def laps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data volume with six recordings of 8 s: a block of each."""
    folder = tmp_path_factory.mktemp("laps")
    settings = IngestSettings(data_dir=folder / "data")
    for number in range(6):
        source = samples.recording(folder / f"lap{number}", 120, ("center",), number)
        import_source(settings, source, None, 0.0, lambda **_: None)
    return folder / "data"


def trained_elsewhere(published: Path) -> None:
    """Let a published version say that it was trained on other rows than any that there are."""
    none = np.zeros(0, dtype=np.uint64)
    split_file.write(published / split_file.FILE, SplitFile(1.0, {}))
    trained_rows.write(published / trained_rows.FILE, TrainedRows.of(none, none, none))


def test_a_worse_driver_with_a_lower_loss_is_refused(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one", metrics={"validation_mse": 0.25})
    driven.publish(registry, "left", "two", metrics={"validation_mse": 0.0003})
    decision = decide(settings)
    assert (decision.accepted, decision.by, decision.previous) == (False, GATE, 1)
    assert decision.why.startswith("worse: simulator, ")
    assert decision.evidence["verdict"] == "worse"
    [found] = decision.evidence["comparisons"]
    assert (found["incumbent"], found["passed"], found["pairs"]) == (100.0, False, 8)
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
    decision = decide(settings)
    assert decision.accepted
    [found] = decision.evidence["comparisons"]
    assert (found["verdict"], found["pairs"], found["unit"]) == ("no worse", 64, "pairs of drives")
    assert registry.current() == 2


@pytest.mark.parametrize(
    ("learned_by", "measures"),
    [
        pytest.param("the candidate", ["autonomy", "pace"], id="candidate"),
        pytest.param("the incumbent", ["autonomy"], id="incumbent"),
    ],
)
def test_the_pace_is_compared_of_a_candidate_that_has_learned_its_speed(
    settings: Settings,
    registry: Registry,
    driven: Driven,
    networks: Path,
    learned_by: str,
    measures: list[str],
) -> None:
    """The drives are kept ones, so both versions take the same time."""

    def with_speed(staged: Path) -> None:
        for name in (H5, TFLITE, golden.FILE):
            shutil.copyfile(networks / "fast" / name, staged / name)

    learned = {"with_files": with_speed, **models.LEARNED_SPEED}
    for version in ("the incumbent", "the candidate"):
        driven.publish(
            registry, "straight", version[4:], **(learned if version == learned_by else {})
        )
        if version == "the incumbent":
            promotion.force(registry, 1, "a test")
    decision = decide(settings)
    assert decision.accepted
    found = decision.evidence["comparisons"]
    assert [each["measure"] for each in found] == measures
    assert ("a lap takes" in decision.why) == ("pace" in measures)
    if "pace" in measures:
        laps = found[1]["lap_time_s"]
        assert laps["candidate"] == pytest.approx(laps["incumbent"], rel=0.05)
        assert found[1]["difference"] == 0


def test_what_is_undecided_at_the_bound_on_drives_is_refused_as_not_shown(
    tmp_path: Path, driven: Driven
) -> None:
    settings = candidates.settings(tmp_path, driven.track, pairs=8)
    registry = Registry(settings.model_dir)
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    decision = decide(settings)
    assert (decision.accepted, decision.evidence["verdict"]) == (False, "not shown")
    assert decision.why.startswith("not shown to be as good: simulator, ")
    assert registry.current() == 1


def test_if_neither_version_drives_the_candidate_is_refused(
    settings: Settings, registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "right", "two")
    decision = decide(settings)
    assert not decision.accepted
    assert decision.why.startswith(
        "nothing shows that it is not worse: neither version drives on any course; simulator, "
    )
    assert registry.current() == 1


def test_recordings_are_not_informative_if_both_steer_straight_on(
    settings: Settings, registry: Registry, driven: Driven, laps: Path
) -> None:
    """Both have scores above half, but so has a steering of 0. A torn manifest is named.

    The candidate has a frame of its own, which a store does not keep, so the result says so.
    """
    shutil.copytree(laps, settings.data_dir)
    store_catalog.paths(settings.data_dir, "torn-12345678")[1].write_text("{")
    frame = FrameSpec(color="bgr").document()
    driven.publish(registry, "straight", "one", data=[])
    driven.publish(registry, "straight", "two", data=[], frame_spec=frame)
    decision = decide(settings)
    simulator, recordings = decision.evidence["comparisons"]
    assert recordings["course"] == "recordings, held out, in frames of 128 x 128"
    assert (recordings["pairs"], recordings["unit"], recordings["tells"]) == (6, "blocks", False)
    assert recordings["candidate"] > 50
    assert decision.why.startswith("as good or better: simulator, ")
    assert "recordings" not in decision.why
    assert simulator["tells"]
    assert [*decision.evidence["left_out"]] == ["torn-12345678"]


def test_a_candidate_that_is_worse_on_recordings_is_refused(
    settings: Settings, registry: Registry, driven: Driven, laps: Path
) -> None:
    """Only the recordings weave, and "right" follows the weave better than "straight"."""
    shutil.copytree(laps, settings.data_dir)
    driven.publish(registry, "right", "one", data=[])
    driven.publish(registry, "straight", "two", data=[])
    decision = decide(settings)
    simulator, recordings = decision.evidence["comparisons"]
    assert (simulator["verdict"], simulator["difference"] > 0) == ("no worse", True)
    assert recordings["verdict"] == "worse"
    assert all(part["road"]["found_percent"] is not None for part in recordings["parts"])
    assert not any(part["new_to_both"] for part in recordings["parts"])  # it is not known
    assert decision.why.startswith("worse: recordings, held out: ")
    assert not decision.accepted


def test_recordings_that_neither_version_was_trained_on_are_a_course_of_their_own(
    settings: Settings, registry: Registry, driven: Driven, laps: Path
) -> None:
    """One of the six trained the incumbent; the other five are compared once more."""
    shutil.copytree(laps, settings.data_dir)
    names = [each.dataset for each in store_catalog.read_manifests(settings.data_dir)]
    entry = {"dataset": names[2], "rows": 120, "manifest_sha256": "0"}
    driven.publish(registry, "straight", "one", data=[entry], with_files=trained_elsewhere)
    driven.publish(registry, "right", "two", data=[], with_files=trained_elsewhere)
    decision = decide(settings)
    _, held, new = decision.evidence["comparisons"]
    assert (held["course"], held["pairs"]) == ("recordings, held out", 6)
    assert [part["new_to_both"] for part in held["parts"]] == [
        part["name"] != names[2] for part in held["parts"]
    ]
    assert new["course"] == "recordings that neither version was trained on"
    assert [part["name"] for part in new["parts"]] == [each for each in names if each != names[2]]
    assert all(part["new_to_both"] for part in new["parts"])


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
    assert len(files) > 2 * candidates.PAIRS
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
    # The incumbent's first drives, the candidate's, and the same again with the new incumbent.
    assert [each for each in phases if each] == [1, 2, 3, 2]
    assert (decision.accepted, decision.previous) == (False, 3)
    assert registry.current() == 3
