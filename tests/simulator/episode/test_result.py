import json

import numpy as np
import pytest

from simulator.episode.result import (
    Conditions,
    EpisodeResult,
    EvaluationResult,
    episode_rows,
    evaluation_rows,
    summarize_episode,
)
from simulator.episode.trajectory import Intervention, InterventionReason, Trajectory

CONDITIONS = Conditions("lake", -1, "dusk", 7, 2, station_m=120.0, lateral_m=0.4)
INTERVENTION = Intervention(31.5, 540.0, 10.0, 20.0, -4.1, InterventionReason.LEFT)


def trajectory(
    interventions: tuple[Intervention, ...] = (), complete: bool = True, steps: int = 1201
):
    zeros = np.zeros(steps)
    return Trajectory(
        time_s=np.arange(steps) / 10,
        x_m=zeros,
        y_m=zeros,
        lateral_m=zeros,
        lane_error_m=np.full(steps, 0.25),
        off_road=zeros > 0,
        speed_mps=zeros,
        steering=zeros,
        throttle=zeros,
        distance_m=2272.0 if steps else 0.0,
        laps_done=2 if complete else 1,
        lap_times_s=(60.1, 59.9) if complete else (60.1,),
        interventions=interventions,
        complete=complete,
    )


def drive(*interventions: Intervention, complete: bool = True) -> EpisodeResult:
    return summarize_episode(CONDITIONS, trajectory(interventions, complete))


def test_all_laps_without_an_intervention_are_a_success() -> None:
    assert drive().success


def test_a_drive_with_an_intervention_is_not_a_success() -> None:
    assert not drive(INTERVENTION).success


def test_a_drive_with_too_few_laps_is_not_a_success() -> None:
    assert not drive(complete=False).success


def test_a_drive_has_its_metrics() -> None:
    metrics = drive(INTERVENTION).metrics
    assert metrics.autonomy_percent == pytest.approx(95.0)
    assert metrics.lateral_mae_m == 0.25
    assert metrics.distance_per_intervention_m == 2272.0


def test_the_document_is_json_without_nan() -> None:
    document = json.loads(json.dumps(drive(INTERVENTION).document(), allow_nan=False))
    assert document["track"] == "lake"
    assert document["direction"] == -1
    assert document["light"] == "dusk"
    assert document["seed"] == 7
    assert document["lap_times_s"] == [60.1, 59.9]
    assert document["success"] is False
    assert document["interventions"] == [
        {
            "time_s": 31.5,
            "station_m": 540.0,
            "x_m": 10.0,
            "y_m": 20.0,
            "lateral_m": -4.1,
            "reason": "left the road",
        }
    ]


def test_the_document_of_a_drive_without_observations_has_nulls() -> None:
    empty = summarize_episode(CONDITIONS, trajectory(complete=False, steps=0))
    document = json.loads(json.dumps(empty.document(), allow_nan=False))
    assert document["mean_speed_mph"] is None
    assert set(document["metrics"].values()) == {None}


def test_the_rows_show_the_values_with_units() -> None:
    rows = dict(episode_rows(drive(INTERVENTION)))
    assert rows["drive"] == "lake backwards, dusk, seed 7, from 120 m, +0.40 m off the line"
    assert rows["result"] == "2 of 2 laps, 1 intervention"
    assert rows["lap times"] == "60.1 s, 59.9 s"
    assert rows["mean speed"] == "42.4 mph"
    assert rows["autonomy"] == "95.0 %"
    assert rows["distance per intervention"] == "2,272 m"
    assert rows["lateral error: mean"] == "0.25 m"
    assert rows["put back at 31.5 s"] == "left the road, at 540 m"


def test_without_an_intervention_the_row_shows_the_distance() -> None:
    assert dict(episode_rows(drive()))["distance per intervention"] == "none in 2,272 m"


def test_the_rows_of_a_drive_without_observations_are_dashes() -> None:
    rows = dict(episode_rows(summarize_episode(CONDITIONS, trajectory(complete=False, steps=0))))
    assert rows["autonomy"] == rows["distance per intervention"] == rows["mean speed"] == "-"


def test_an_evaluation_counts_successes() -> None:
    evaluation = EvaluationResult((drive(), drive(INTERVENTION), drive(), drive(complete=False)))
    assert (evaluation.successes, evaluation.count) == (2, 4)
    assert evaluation.interval == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert evaluation.autonomy_percent == pytest.approx(100 * (1 - 6 / 480))


def test_an_evaluations_document_holds_each_drive() -> None:
    document = json.loads(json.dumps(EvaluationResult((drive(), drive(INTERVENTION))).document()))
    assert document["drives"] == 2
    assert document["successes"] == 1
    assert [outcome["success"] for outcome in document["outcomes"]] == [True, False]


def test_the_evaluation_rows_name_the_failures() -> None:
    rows = dict(evaluation_rows(EvaluationResult((drive(), drive(INTERVENTION)))))
    assert rows["successes"] == "1 of 2"
    assert rows["95 % interval (Wilson)"] == "9.5 to 90.5 %"
    assert rows["failed: drive 2"].endswith(": 2 of 2 laps, 1 intervention")
    assert "failed: drive 1" not in rows


def test_an_evaluation_without_drives_is_undefined() -> None:
    evaluation = EvaluationResult(())
    assert evaluation.interval == (0.0, 1.0)
    assert evaluation.autonomy_percent is None
