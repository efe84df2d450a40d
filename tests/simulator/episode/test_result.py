import json

import numpy as np
import pytest

from simulator.episode.result import Conditions, Evaluation, Outcome, outcome, rows, summary
from simulator.episode.trajectory import Intervention, Reason, Trace

CONDITIONS = Conditions("lake", -1, "dusk", 7, 2, station_m=120.0, lateral_m=0.4)
CROSS = Intervention(31.5, 540.0, 10.0, 20.0, -4.1, Reason.LEFT)


def trace(interventions: tuple[Intervention, ...] = (), complete: bool = True, looks: int = 1201):
    each = np.zeros(looks)
    return Trace(
        time_s=np.arange(looks) / 10,
        x_m=each,
        y_m=each,
        lateral_m=each,
        lane_error_m=np.full(looks, 0.25),
        off_road=each > 0,
        speed_mps=each,
        steering=each,
        throttle=each,
        distance_m=2272.0 if looks else 0.0,
        laps_done=2 if complete else 1,
        lap_times_s=(60.1, 59.9) if complete else (60.1,),
        interventions=interventions,
        complete=complete,
    )


def drive(*interventions: Intervention, complete: bool = True) -> Outcome:
    return outcome(CONDITIONS, trace(interventions, complete))


def test_all_laps_without_help_are_a_success() -> None:
    assert drive().success


def test_help_is_no_success() -> None:
    assert not drive(CROSS).success


def test_a_lap_too_few_is_no_success() -> None:
    assert not drive(complete=False).success


def test_a_drive_is_measured() -> None:
    metrics = drive(CROSS).metrics
    assert metrics.autonomy_percent == pytest.approx(95.0)
    assert metrics.lateral_mae_m == 0.25
    assert metrics.distance_per_intervention_m == 2272.0


def test_the_document_is_json_without_nan() -> None:
    document = json.loads(json.dumps(drive(CROSS).document(), allow_nan=False))
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


def test_the_document_of_a_drive_that_never_began_has_nulls() -> None:
    empty = outcome(CONDITIONS, trace(complete=False, looks=0))
    document = json.loads(json.dumps(empty.document(), allow_nan=False))
    assert document["mean_speed_mph"] is None
    assert set(document["metrics"].values()) == {None}


def test_a_row_is_read_as_it_is() -> None:
    table = dict(rows(drive(CROSS)))
    assert table["drive"] == "lake backwards, dusk, seed 7, from 120 m, +0.40 m off the line"
    assert table["result"] == "2 of 2 laps, 1 intervention"
    assert table["lap times"] == "60.1 s, 59.9 s"
    assert table["mean speed"] == "42.4 mph"
    assert table["autonomy"] == "95.0 %"
    assert table["distance per intervention"] == "2,272 m"
    assert table["lateral error: mean"] == "0.25 m"
    assert table["put back at 31.5 s"] == "left the road, at 540 m"


def test_no_intervention_is_said_in_metres() -> None:
    assert dict(rows(drive()))["distance per intervention"] == "none in 2,272 m"


def test_rows_of_a_drive_that_never_began_are_dashes() -> None:
    table = dict(rows(outcome(CONDITIONS, trace(complete=False, looks=0))))
    assert table["autonomy"] == table["distance per intervention"] == table["mean speed"] == "-"


def test_an_evaluation_counts_successes() -> None:
    evaluation = Evaluation((drive(), drive(CROSS), drive(), drive(complete=False)))
    assert (evaluation.successes, evaluation.count) == (2, 4)
    assert evaluation.interval == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert evaluation.autonomy_percent == pytest.approx(100 * (1 - 6 / 480))


def test_an_evaluations_document_holds_each_drive() -> None:
    document = json.loads(json.dumps(Evaluation((drive(), drive(CROSS))).document()))
    assert document["drives"] == 2
    assert document["successes"] == 1
    assert [each["success"] for each in document["outcomes"]] == [True, False]


def test_a_summary_names_the_failures() -> None:
    table = dict(summary(Evaluation((drive(), drive(CROSS)))))
    assert table["successes"] == "1 of 2"
    assert table["95 % interval (Wilson)"] == "9.5 to 90.5 %"
    assert table["failed: drive 2"].endswith(": 2 of 2 laps, 1 intervention")
    assert "failed: drive 1" not in table


def test_an_evaluation_of_nothing_knows_nothing() -> None:
    evaluation = Evaluation(())
    assert evaluation.interval == (0.0, 1.0)
    assert evaluation.autonomy_percent is None
