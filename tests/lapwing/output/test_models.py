import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.data.models import manifest
from support.data.versions import publish_one, staged

from contract.errors import ModelError
from contract.models import lineage, promotion
from contract.models.registry import Registry
from contract.printing import TextConsole
from lapwing.output import models


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def printed(function: Any, *values: Any) -> str:
    """Return what a function prints to a file, where no line is colored or wrapped."""
    file = io.StringIO()
    function(TextConsole(width=80, file=file), *values)
    return file.getvalue()


def write_evaluation(folder: Path, name: str, made_at: str, mean: float) -> None:
    """Write an evaluation into the folder of a version."""
    value = {"mean": mean, "low": mean - 10, "high": mean + 5, "unit": "%"}
    document = {
        "made_at": made_at,
        "track": "lake",
        "conditions": [{"condition": "clear", "measures": {"autonomy_percent": value}}],
    }
    (folder / "evaluations" / name).mkdir(parents=True)
    (folder / "evaluations" / name / "evaluation.json").write_text(json.dumps(document))


def comparison(**changes: Any) -> dict[str, Any]:
    return {
        "course": "simulator, lake",
        "measure": "autonomy",
        "pairs": 12,
        "candidate": 40.0,
        "incumbent": 90.0,
        "difference": -50.0,
        "lower": -58.25,
        "tells": True,
        "passed": False,
        "margin": 5.0,
    } | changes


def test_each_version_is_a_line_with_its_decision(registry: Registry) -> None:
    for job in ("one", "two", "three"):
        publish_one(registry, job)
    promotion.decide(registry, 2, 1, "gate-2", "worse: lake", {}, accepted=False)
    text = printed(models.print_models, registry)
    lines = text.splitlines()
    assert "first" in lines[1]
    assert "1 current" in lines[1]
    assert "refused against 1" in lines[2]
    assert "candidate" in lines[3]
    assert "version 1 is current since 20" in text
    assert "(first): there was no current version before it" in text


def test_a_version_that_was_trained_further_names_its_parent(registry: Registry) -> None:
    parent = publish_one(registry, "one")
    data = [{"dataset": "tub", "rows": 10, "manifest_sha256": "a"}]
    child = lineage.descend(manifest("two", data=data), parent)
    registry.publish(staged(registry.root, "two"), child)
    lines = printed(models.print_models, registry).splitlines()
    assert lines[1].rstrip().endswith("lake")
    assert lines[2].rstrip().endswith("version 1, then tub")


def test_a_version_that_has_learned_the_speed_is_marked(registry: Registry) -> None:
    publish_one(registry, "one")
    registry.publish(staged(registry.root, "two"), manifest("two", config={"learn_speed": True}))
    lines = printed(models.print_models, registry).splitlines()
    assert lines[1].rstrip().endswith("lake")
    assert lines[2].rstrip().endswith("lake (speed too)")


def test_the_time_of_a_lap_is_told_where_it_was_compared() -> None:
    pace = comparison(measure="pace", lap_time_s={"candidate": 121.34, "incumbent": 202.5})
    gate = {"version": 2, "against": 1, "accepted": True, "comparisons": [comparison(), pace]}
    text = printed(models.print_gate, gate)
    assert "a lap takes 121.3 s, and 202.5 s with the current version" in text
    assert text.count("a lap takes") == 1


def test_the_reason_shown_is_the_last_decision_on_the_current_version(registry: Registry) -> None:
    publish_one(registry, "one")
    publish_one(registry, "two")
    promotion.force(registry, 2, "I know better")
    promotion.rollback(registry)
    text = printed(models.print_models, registry)
    assert "version 1 is current since" in text
    assert "(rollback): back from version 2" in text


def test_without_versions_the_command_that_makes_one_is_named(registry: Registry) -> None:
    assert "`lapwing train` makes one" in printed(models.print_models, registry)


def test_the_latest_finished_evaluation_counts(tmp_path: Path) -> None:
    assert models.read_scores(tmp_path) == {"drives": "-", "replay": "-"}
    write_evaluation(tmp_path, "lake-20x1-seed1", "2026-01-02T03:04:05+00:00", 90)
    write_evaluation(tmp_path, "lake-20x1-seed2", "2026-01-03T03:04:05+00:00", 80)
    write_evaluation(tmp_path, f".lake-20x1-seed3.{'0' * 32}.tmp", "2026-01-04T03:04:05+00:00", 10)
    assert models.read_scores(tmp_path)["drives"] == "80 % (70-85) lake"


def test_replays_count_at_three_metres(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "replay"
    folder.mkdir(parents=True)
    drives = [
        {"limit_m": 1.0, "autonomy_percent": -50.0},
        {"limit_m": 3.0, "autonomy_percent": 90.0},
    ]
    other = [{"limit_m": 3.0, "autonomy_percent": 70.0}]
    (folder / "replay.json").write_text(
        json.dumps({"datasets": [{"drives": drives}, {"drives": other}]})
    )
    assert models.read_scores(tmp_path)["replay"] == "80 % of 2"


def test_an_unreadable_evaluation_is_named(tmp_path: Path) -> None:
    write_evaluation(tmp_path, "lake-20x1-seed1", "2026-01-02T03:04:05+00:00", 90)
    path = tmp_path / "evaluations" / "lake-20x1-seed1" / "evaluation.json"
    path.write_text("{")
    with pytest.raises(ModelError, match=r"evaluation\.json cannot be read"):
        models.read_scores(tmp_path)


def test_a_refusal_of_release_0_1_0_shows_its_figures_and_how_to_promote_nevertheless() -> None:
    comparisons = [comparison(), comparison(course="recordings", tells=False)]
    gate = {
        "version": 2,
        "against": 1,
        "accepted": False,
        "why": "worse",
        "comparisons": comparisons,
    }
    text = printed(models.print_gate, gate)
    assert "gate: version 2 refused against version 1" in text
    assert "-50.0" in text
    assert "-58.2" in text
    [row] = [line for line in text.splitlines() if "recordings" in line]
    assert "not informative" in row
    [row] = [line for line in text.splitlines() if "simulator, lake" in line]
    assert "not shown" in row
    assert "`lapwing promote 2 --force` makes this version current nevertheless" in text


def test_a_verdict_is_shown_with_the_parts_of_each_course() -> None:
    part = {
        "name": "dusk",
        "pairs": 16,
        "candidate": 10.0,
        "incumbent": 100.0,
        "difference": -90.0,
        "worse": True,
        "new_to_both": False,
    }
    lap = part | {"name": "lake-3", "pairs": 7, "worse": False, "new_to_both": True}
    gate = {
        "version": 2,
        "against": 1,
        "accepted": False,
        "verdict": "worse",
        "why": "worse",
        "comparisons": [
            comparison(unit="pairs of drives", verdict="worse", parts=[part]),
            comparison(course="recordings", unit="blocks", verdict="no worse", parts=[lap]),
        ],
    }
    lines = printed(models.print_gate, gate).splitlines()
    assert lines[0] == "gate: version 2 refused against version 1: worse"

    def row(name: str) -> str:
        [line] = [line for line in lines if name in line]
        return line

    assert "12 pairs of drives" in row("simulator, lake")
    assert "-90.0" in row("dusk")
    assert row("dusk").rstrip(" │").endswith("worse")
    assert "new to both versions" in row("lake-3")
    assert "worse" not in row("lake-3")
    assert "no worse" in row("recordings")


def test_the_list_tells_a_candidate_that_is_worse_from_one_that_was_not_shown(
    registry: Registry,
) -> None:
    for job in ("one", "two", "three", "four"):
        publish_one(registry, job)
    for version, evidence in (
        (2, {"verdict": "not shown"}),
        (3, {"verdict": "worse"}),
        (4, {}),  # as release 0.1.0 wrote it
    ):
        promotion.decide(registry, version, 1, f"gate-{version}", "", evidence, accepted=False)
    text = printed(models.print_models, registry)
    assert "refused against 1, not shown" in text
    assert "refused against 1, worse" in text
    [last] = [line for line in text.splitlines() if " 4 " in line]
    assert "refused against 1 " in last


def test_without_figures_the_reason_is_shown() -> None:
    gate = {
        "version": 1,
        "against": None,
        "accepted": True,
        "why": "there was no current version before it",
    }
    text = printed(models.print_gate, gate)
    assert "gate: version 1 accepted\n" in text
    assert "there was no current version before it" in text
    assert "--force" not in text


def test_an_evaluation_is_shown_with_its_intervals() -> None:
    names = (
        "success_percent",
        "autonomy_percent",
        "lateral_mae_m",
        "lateral_max_m",
        "off_road_percent",
        "whiteness_per_s",
    )
    measures = {name: {"mean": 0.5, "low": 0.25, "high": 0.75, "unit": "m"} for name in names}
    measures["success_percent"] = {"mean": 95.0, "low": 76.4, "high": 99.1, "unit": "%"}
    measures["off_road_percent"] = {"mean": None, "low": None, "high": None, "unit": "%"}
    result = {
        "evaluation": {
            "version": 3,
            "track": "lake",
            "starts": 20,
            "laps": 1.0,
            "folder": "/m/3",
            "conditions": [{"condition": "fog+delay=50ms", "measures": measures}],
        },
        "replay": [
            {
                "dataset": "lake-1",
                "held_out": "not trained on",
                "drives": [
                    {"limit_m": 3.0, "autonomy_percent": 92.04, "deviation_rmse_m": 0.456},
                    {
                        "limit_m": 1.0,
                        "autonomy_percent": 71.0,
                        "deviation_rmse_m": 0.9,
                        "deviation_without_steady_rmse_m": 0.213,
                        "road": {"off_road_percent": 3.0, "times_off_road": 7},
                    },
                ],
            }
        ],
        "openloop": [
            {
                "dataset": "lake-1",
                "leak": "not trained on",
                "score": {"mse": 0.01234, "mse_zero": 0.05, "mse_hold": 0.02},
            }
        ],
    }
    text = printed(models.print_evaluation, result)
    assert "version 3 on lake: 20 starts of 1 laps; 95 % intervals are in brackets" in text
    for part in (
        "fog+delay=50ms",
        "95 % (76-99)",
        "0.50 m (0.25-0.75)",
        "92.0 %",
        "0.46 m",
        "0.21 m",
        "7 times",
        "MSE 0.0123, predict-zero 0.0500, hold-last 0.0200; not trained on",
        "results are in /m/3",
    ):
        assert part in text


def test_a_shadow_drive_is_printed_by_the_steering_of_the_car() -> None:
    result = {
        "version": 5, "drivers": [3, 4], "moments": 1234, "seconds": 60.4,
        "ended": "the time was over", "mean_deg": -0.4, "mae_deg": 1.2, "p95_deg": 4.5,
        "max_deg": 11.26, "correlation": None, "opposite_percent": 2.5,
        "by_bin": [{"from": -0.05, "to": 0.05, "rows": 500.0, "mae_deg": 0.8, "bias_deg": -1e-6}],
        "left_out": {"held": 2, "skipped": 1500}, "folder": "/models/versions/5/evaluations/s",
    }  # fmt: skip
    text = printed(models.print_shadow, result)
    assert text.startswith(
        "version 5 steered along with version 3 and version 4 in 1,234 frames of 60 s; the time "
    )
    assert "-0.40° (positive is to the right)" in text
    assert "11.26°" in text
    assert "2.5 % of frames" in text
    assert ["-0.05", "to", "+0.05", "500", "+0.00°", "0.80°"] in [
        line.split() for line in text.splitlines()
    ]
    assert "not compared: 2 held, 1,500 skipped" in text
    assert "/models/versions/5/evaluations/s" in text
