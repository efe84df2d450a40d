from pathlib import Path

import numpy as np
import pytest
from support.data.circuits import circuit
from support.data.roads import straight

from contract.errors import ModelError
from contract.policy.answer import PolicyAnswer
from evaluator.closed_loop.dagger import (
    EXPERT_STYLE,
    PAUSE_S,
    DaggerDrive,
    RelabelledDrive,
    relabel,
)
from simulator.drivers.expert import Expert
from simulator.drivers.in_process import ExpertDriver, InProcessDriver, ModelDriver
from simulator.episode.initial_state import InitialState
from simulator.recording.udacity_writer import UdacityWriter
from simulator.track.geometry import Track
from simulator.unity.number_format import LOCALES

ROAD = straight(300.0)
TIMES = slice(-3, None)


def driven(
    folder: Path,
    model: InProcessDriver,
    track: Track = ROAD,
    rows: int = 60,
    start: InitialState | None = None,
    **how: float,
) -> tuple[RelabelledDrive, np.ndarray, np.ndarray]:
    """Return a drive that was recorded, and the rows' times and labels."""
    drive = DaggerDrive(start or InitialState(), rows, **how)
    with UdacityWriter(folder, LOCALES["en-US"], "test") as recorder:
        result = relabel(track, drive, model)
        clock_s = result.record(recorder, 0.0)
    lines = (folder / "driving_log.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    stamps = [row[0].removesuffix(".jpg").split("_")[TIMES] for row in cells]
    times = np.array([60 * float(m) + float(s) + float(ms) / 1000 for m, s, ms in stamps])
    assert clock_s > times[-1] - times[0] + PAUSE_S
    return result, times, np.array([float(row[3]) for row in cells])


def straight_on(steering: float) -> ModelDriver:
    """Return a model with a constant steering."""
    return ModelDriver(lambda frame: PolicyAnswer(steering))


def test_the_model_moves_the_car_and_the_expert_labels(tmp_path: Path) -> None:
    result, _, labels = driven(tmp_path / "run", straight_on(0.02))
    assert len(result.rows) == len(labels) == 60
    assert result.interventions == 0
    # The car drifts further and further to the right; the expert would steer back to the left.
    assert labels[-1] < labels[30] < -0.01
    assert result.disagreement / 60 == pytest.approx(np.abs(0.02 - labels).mean(), abs=1e-6)


def test_a_model_that_drives_like_the_expert_does_not_disagree(tmp_path: Path) -> None:
    model = ExpertDriver(Expert(circuit(), EXPERT_STYLE, 1))
    result, _, labels = driven(tmp_path / "run", model, circuit(), 60, InitialState(station_m=55.0))
    assert result.disagreement < 1e-9
    assert np.abs(labels).max() > 0.05


def test_a_car_that_left_the_road_is_put_back_and_the_recording_has_a_gap(tmp_path: Path) -> None:
    result, times, labels = driven(tmp_path / "run", straight_on(0.6), rows=110)
    gaps = np.flatnonzero(np.diff(times) > PAUSE_S)
    assert result.interventions == len(gaps) > 1
    for gap in gaps:
        assert labels[gap] < -0.3  # before the gap it steers back to the road, after it straight on
        assert abs(labels[gap + 1]) < 0.05
    steps = np.delete(np.diff(times), gaps)
    assert steps.max() < 0.075


def test_with_beta_the_expert_drives_a_share_of_the_time(tmp_path: Path) -> None:
    alone, _, _ = driven(tmp_path / "alone", straight_on(0.6), rows=80)
    helped, _, _ = driven(tmp_path / "helped", straight_on(0.6), rows=80, beta=0.9)
    assert helped.interventions < alone.interventions


def test_with_a_delay_the_label_is_for_the_time_when_it_takes_effect(tmp_path: Path) -> None:
    start = InitialState(station_m=50.0)
    model = ExpertDriver(Expert(circuit(), EXPERT_STYLE, 1))
    _, times, prompt = driven(tmp_path / "prompt", model, circuit(), 70, start)
    model = ExpertDriver(Expert(circuit(), EXPERT_STYLE, 1))
    _, late_times, late = driven(tmp_path / "late", model, circuit(), 35, start, delay_s=0.1)
    assert np.diff(late_times).mean() == pytest.approx(2 / 15, abs=0.002)
    # The cars are at nearly the same places: find the shift at which the labels agree.
    shifts = np.array([0.0, 0.05, 0.1, 0.15, 0.2])
    apart = [
        np.abs(np.interp(late_times[5:32] + shift, times, prompt) - late[5:32]).mean()
        for shift in shifts
    ]
    assert shifts[int(np.argmin(apart))] == pytest.approx(0.1, abs=0.051)
    assert apart[2] < apart[0]


def test_an_open_road_ends_the_drive(tmp_path: Path) -> None:
    result, _, labels = driven(tmp_path / "run", straight_on(0.0), straight(25.0), 500)
    assert len(result.rows) == len(labels) < 150


def test_an_output_that_is_not_a_number_is_an_error(tmp_path: Path) -> None:
    def refuse(frame: object) -> PolicyAnswer:
        raise ModelError("no number")

    with pytest.raises(ModelError, match="no number"):
        driven(tmp_path / "run", ModelDriver(refuse))
    assert list(tmp_path.iterdir()) == []


def test_the_same_drive_gives_the_same_recording(tmp_path: Path) -> None:
    runs = [driven(tmp_path / name, straight_on(0.1), rows=40, beta=0.5) for name in ("a", "b")]
    assert runs[0][0] == runs[1][0]
    assert (runs[0][2] == runs[1][2]).all()
