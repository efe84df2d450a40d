"""Gates on a short road, with kept drives; a block is four lights, both ways round."""

import json
from pathlib import Path

import pytest
from support.data import candidates
from support.data.candidates import Driven

from contract.models.registry import Registry
from evaluator.closed_loop import noninferiority, paired_drives, rollouts
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.noninferiority import Comparison
from simulator.rendering.appearance import LIGHTS
from simulator.track import catalog


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def compare(registry: Registry, driven: Driven, pairs: int = candidates.PAIRS) -> Comparison:
    """Compare the autonomy of version 2 with that of version 1."""
    track = str(driven.track)
    (found,) = paired_drives.compare(
        registry, track, 2, 1, pairs, LocalProcesses(1), lambda **fields: None
    )
    return found


def compare_pace(
    registry: Registry, driven: Driven, pairs: int = candidates.PAIRS
) -> list[Comparison]:
    """Compare autonomy and pace of version 2 with those of version 1."""
    track = str(driven.track)
    return paired_drives.compare(
        registry, track, 2, 1, pairs, LocalProcesses(1), lambda **fields: None, pace=True
    )


def kept(
    registry: Registry, driven: Driven, version: int, block: int, light: str, way: int
) -> Path:
    """Return the path of a drive's result."""
    root = rollouts.evaluations_folder(registry, version) / "drives"
    number = paired_drives.start_number(block, light, way) + 1
    return root / candidates.scenario(driven.track, light).folder / f"{number:02}.json"


def score(path: Path, autonomy: float) -> None:
    """Change the autonomy in a drive's result."""
    document = json.loads(path.read_text())
    document["metrics"]["autonomy_percent"] = autonomy
    path.write_text(json.dumps(document))


def hurry(registry: Registry, driven: Driven, version: int, factor: float, every: int = 1) -> None:
    """Let each drive of a version, or one of some, take this share of its time."""
    for light in LIGHTS:
        folder = kept(registry, driven, version, 0, light, 0).parent
        for number, path in enumerate(sorted(folder.glob("*.json"))):
            if number % every == 0:
                document = json.loads(path.read_text())
                document["elapsed_s"] *= factor
                path.write_text(json.dumps(document))


def lose(registry: Registry, driven: Driven, version: int, light: str) -> None:
    """Let all drives of a version in a light have an autonomy of 0."""
    for path in kept(registry, driven, version, 0, light, 0).parent.glob("*.json"):
        score(path, 0.0)


def test_an_intervention_costs_28_points_of_autonomy() -> None:
    """At 15 mph on the lake; an intervention counts as six seconds."""
    drive_s = paired_drives.GATE_LAPS * catalog.load_track("lake").length_m / (15 * 0.44704)
    assert 100 * 6 / drive_s == pytest.approx(28, abs=0.5)


def test_each_block_has_each_light_both_ways_and_no_start_twice() -> None:
    starts = {
        (block, light, way): paired_drives.start_number(block, light, way)
        for block in range(5)
        for light in LIGHTS
        for way in range(paired_drives.WAYS)
    }
    assert sorted(starts.values()) == list(range(5 * 8))
    track = catalog.load_track("lake")
    states = rollouts.draw_initial_states(
        track, 40, paired_drives.GATE_SEED, rollouts.DEFAULT_OFFSET_M, ("clear",)
    )
    ways = {
        way: {states[n].direction for (_, _, w), n in starts.items() if w == way} for way in (0, 1)
    }
    assert ways == {0: {1}, 1: {-1}}
    assert len({state.station_m for state in states}) == 40


def test_equal_drivers_need_64_pairs_in_all_lights(registry: Registry, driven: Driven) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    found = compare(registry, driven)
    assert (found.verdict, found.pairs) == (noninferiority.NO_WORSE, 64)
    assert [(part.name, part.pairs) for part in found.parts] == [(light, 16) for light in LIGHTS]


def test_a_driver_that_leaves_the_road_is_refused_after_a_block(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "left", "two")
    found = compare(registry, driven)
    assert (found.verdict, found.pairs) == (noninferiority.WORSE, 8)
    assert (found.incumbent, found.candidate < 50) == (100.0, True)


def test_with_a_small_bound_equal_drivers_are_not_shown(registry: Registry, driven: Driven) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    found = compare(registry, driven, pairs=8)
    assert (found.verdict, found.pairs) == (noninferiority.NOT_SHOWN, 8)


def test_a_light_in_which_the_incumbent_does_not_drive_is_left_out(
    registry: Registry, driven: Driven
) -> None:
    """The other lights decide. It costs no drives, and hides nothing that is lost elsewhere."""
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    lose(registry, driven, 1, "dusk")
    others = [light for light in LIGHTS if light != "dusk"]
    found = compare(registry, driven)
    assert (found.verdict, found.pairs) == (noninferiority.NO_WORSE, 66)  # blocks of six pairs
    assert [part.name for part in found.parts] == others
    lose(registry, driven, 2, "fog")
    worse = compare(registry, driven)
    assert worse.verdict == noninferiority.WORSE
    assert [part.name for part in worse.parts if part.worse] == ["fog"]


def test_one_good_drive_is_enough_for_a_light_to_be_compared(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    score(kept(registry, driven, 1, 0, "dusk", 0), 49.0)
    assert len(compare(registry, driven).parts) == len(LIGHTS)
    score(kept(registry, driven, 1, 0, "dusk", 1), 49.0)
    assert len(compare(registry, driven).parts) == len(LIGHTS) - 1


def test_if_neither_version_drives_in_any_light_nothing_is_shown(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "right", "two")
    found = compare(registry, driven)
    assert (found.verdict, found.pairs) == (noninferiority.NOT_INFORMATIVE, 8)


def test_if_only_the_candidate_drives_all_lights_are_compared(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "left", "one")
    driven.publish(registry, "straight", "two")
    found = compare(registry, driven)
    assert found.verdict == noninferiority.NO_WORSE
    assert len(found.parts) == len(LIGHTS)


def test_the_incumbents_first_block_is_not_compared(registry: Registry, driven: Driven) -> None:
    """Else a light would be chosen by the drives that it is judged by."""
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    of_block_0 = [kept(registry, driven, 2, 0, light, way) for light in LIGHTS for way in (0, 1)]
    for path in of_block_0:
        path.unlink()
    assert compare(registry, driven).verdict == noninferiority.NO_WORSE
    assert not any(path.exists() for path in of_block_0)


def test_only_missing_drives_are_driven(registry: Registry, driven: Driven) -> None:
    """A drive on the real road gives the result that was kept."""
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    missing = kept(registry, driven, 2, 1, "fog", 0)
    others = [path for path in missing.parent.glob("*.json") if path != missing]
    times = [path.stat().st_mtime_ns for path in others]
    missing.unlink()
    found = compare(registry, driven, pairs=8)
    document = json.loads(missing.read_text())
    assert (document["light"], document["direction"]) == ("fog", 1)
    assert found.candidate == 100.0
    assert [path.stat().st_mtime_ns for path in others] == times


def test_a_faster_driver_passes_with_the_drives_of_its_autonomy(
    registry: Registry, driven: Driven
) -> None:
    """Two thirds of the time are a third of the slower one's: 33 points of a hundred."""
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    hurry(registry, driven, 2, 2 / 3)
    autonomy, pace = compare_pace(registry, driven)
    assert (autonomy.measure, autonomy.verdict, autonomy.pairs) == ("autonomy", "no worse", 64)
    assert (pace.measure, pace.verdict, pace.pairs) == ("pace", "no worse", 64)
    assert (pace.candidate, pace.incumbent) == (pytest.approx(100), pytest.approx(200 / 3))
    assert pace.lap_time_s is not None
    own, other = pace.lap_time_s
    assert own == pytest.approx(other * 2 / 3)
    outcomes = driven.outcomes["straight"]
    mean_mps = sum(drive["distance_m"] for drive in outcomes) / sum(
        drive["elapsed_s"] for drive in outcomes
    )
    assert other == pytest.approx(160 / mean_mps, rel=0.02)  # the road has 160 m
    assert pace.document()["lap_time_s"] == {"candidate": own, "incumbent": other}
    assert "pace 100.0 against 66.7 %" in str(pace)
    assert f"a lap takes {own:.1f} s against {other:.1f} s" in str(pace)
    assert noninferiority.decide([autonomy, pace])[0] == noninferiority.NO_WORSE


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        pytest.param(1.02, noninferiority.NO_WORSE, id="within the margin"),
        pytest.param(1.06, noninferiority.NOT_SHOWN, id="at the margin"),
        pytest.param(1.5, noninferiority.WORSE, id="slower by half"),
    ],
)
def test_a_slower_driver_is_refused_although_it_is_as_autonomous(
    registry: Registry, driven: Driven, factor: float, verdict: str
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    hurry(registry, driven, 2, factor)
    autonomy, pace = compare_pace(registry, driven, 104)
    assert (autonomy.verdict, pace.verdict) == (noninferiority.NO_WORSE, verdict)
    assert noninferiority.decide([autonomy, pace])[0] == verdict


def test_more_drives_are_made_until_the_pace_is_decided(registry: Registry, driven: Driven) -> None:
    """One drive in eight takes a tenth more time, which is 1.1 points of a hundred on average."""
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "straight", "two")
    hurry(registry, driven, 2, 1.1, every=8)
    autonomy, pace = compare_pace(registry, driven, 104)
    assert (autonomy.pairs, autonomy.verdict) == (64, noninferiority.NO_WORSE)
    assert (pace.pairs > 64, pace.verdict) == (True, noninferiority.NO_WORSE)


def test_the_pace_of_a_driver_that_leaves_the_road_is_not_compared(
    registry: Registry, driven: Driven
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "left", "two")
    hurry(registry, driven, 2, 0.5)
    (autonomy,) = compare_pace(registry, driven)
    assert autonomy.verdict == noninferiority.WORSE
