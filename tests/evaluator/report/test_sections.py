"""Makes each section from files; test_compose.py makes whole reports."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.data import reported

from contract.dataset import split_file
from contract.errors import ModelError
from contract.models import layer_table
from contract.models.lineage import Ancestor
from evaluator.report.assets import Assets
from evaluator.report.document import MISSING, Figure, Paragraph, Section, Table, Video
from evaluator.report.sections import (
    closed_loop,
    data,
    explanation,
    lineage,
    log_replay,
    network,
    open_loop,
    provenance,
    shadow,
    training,
)
from evaluator.report.version_folder import VersionFolder


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def texts(section: Section, tone: str) -> list[str]:
    return [
        block.text
        for block in section.blocks
        if isinstance(block, Paragraph) and block.tone == tone
    ]


def edit(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_data_counts_training_and_validation_rows(folder: VersionFolder, pictures: Assets) -> None:
    (table,) = tables(data.section(folder, pictures))
    assert table.rows[0] == (reported.DATASETS[0], "abababababab", "2,700", "2,200", "460", "40")


def test_data_without_a_split_says_so(folder: VersionFolder, pictures: Assets) -> None:
    (folder.root / split_file.FILE).unlink()
    section = data.section(folder, pictures)
    assert tables(section)[0].rows[0][3:] == (MISSING,) * 3
    assert "before `split.json`" in texts(section, "missing")[0]


def test_data_names_recordings_that_were_left_out(tmp_path: Path, pictures: Assets) -> None:
    reported.publish(tmp_path / "others", quarantined={"bad-1": "its checksum differs"})
    section = data.section(VersionFolder(tmp_path / "others", 1), pictures)
    assert (
        "`bad-1` was left out, because it is damaged: its checksum differs"
        in texts(section, "warning")[0]
    )


def test_data_tells_the_rows_that_were_unfit_to_learn_from(
    tmp_path: Path, folder: VersionFolder, pictures: Assets
) -> None:
    data_of = [{"dataset": "a-1", "rows": 9, "manifest_sha256": "ab" * 32} for _ in range(2)]
    data_of[1] |= {"dataset": "b-2", "unfit": {"standing": 230, "swinging": 90}}
    reported.publish(tmp_path / "others", data=data_of)
    section = data.section(VersionFolder(tmp_path / "others", 1), pictures)
    told = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    assert (
        "Of `b-2`, 320 rows (230 standing, 90 swinging) were left out, because they are unfit to "
        "learn from."
    ) in told
    assert sum("unfit" in text for text in told) == 1


def test_network_has_a_total(folder: VersionFolder) -> None:
    (table,) = tables(network.section(folder))
    assert table.rows[1] == ("conv_1", "Conv2D", "5 × 5, stride 2", "elu", "35 × 62 × 24", "1,824")
    assert table.rows[-1] == ("total", "", "", "", "", "1,835")
    (folder.root / layer_table.FILE).unlink()
    assert tables(network.section(folder)) == []


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "epoch 3, which has the lowest validation MSE of those that count. All"),
        ({"publish_epoch": "last"}, "epoch 3, the last one. All"),
        (
            {"publish_epoch": "last", "averaging_epochs": 1.5},
            "epoch 3, the last one, averaged over 1.5 epochs. All",
        ),
        ({"publish_epoch": "best", "averaging_epochs": 0.0}, "of those that count. All"),
    ],
    ids=["0.1.0", "last", "last-averaged", "best"],
)
def test_training_says_which_weights_were_published(
    tmp_path: Path, pictures: Assets, config: dict[str, object], expected: str
) -> None:
    reported.publish(tmp_path / "models", config=config)
    folder = VersionFolder(tmp_path / "models", 1)
    assert expected in texts(training.section(folder, pictures), "plain")[0]


def test_training_has_one_row_for_each_epoch(folder: VersionFolder, pictures: Assets) -> None:
    epochs, choices = tables(training.section(folder, pictures))
    assert [row[0] for row in epochs.rows] == ["1", "2", "3, best", "4", "5", "6"]
    assert epochs.rows[0][3:] == ("710", "35 s", "0.4 %")
    assert ("learning rate (Adam)", "0.001") in choices.rows
    assert ("mirror images", "yes") in choices.rows
    assert "150,000 samples" in texts(training.section(folder, pictures), "plain")[0]


def test_open_loop_errors_are_beside_the_baselines(folder: VersionFolder, pictures: Assets) -> None:
    section = open_loop.section(folder, pictures)
    validation, drivers, cameras = tables(section)
    assert validation.rows[0][4] == "+0.21"
    assert drivers.rows[2] == ("hold-last", "0.01600", "1.10°")
    assert f"with the smoothed one {MISSING}" in drivers.caption
    assert cameras.rows[1] == ("left", "+0.1700", "+0.1800")
    assert "Overlap with the training data: none: no row of training" in texts(section, "plain")[1]


def test_open_loop_tells_how_well_the_speed_was_learned(
    tmp_path: Path, folder: VersionFolder, pictures: Assets
) -> None:
    assert "RMSE" not in " ".join(texts(open_loop.section(folder, pictures), "plain"))
    speed = {"rmse_mph": 1.234, "rmse_mean_mph": 4.5, "rows": 1234.0}
    learned = {f"validation_speed_{name}": value for name, value in speed.items()}
    reported.publish(tmp_path / "fast", metrics=reported.METRICS | learned)
    section = open_loop.section(VersionFolder(tmp_path / "fast", 1), pictures)
    told = next(text for text in texts(section, "plain") if "RMSE" in text)
    assert "an RMSE of 1.23 mph on 1,234 of the validation rows" in told
    assert "Always to tell its mean has an RMSE of 4.50 mph" in told


def test_skill_is_relative_to_the_better_baseline() -> None:
    assert open_loop.skill(0.01, 0.04, 0.02) == pytest.approx(0.5)
    assert open_loop.skill(0.01, 0.0, 0.02) is None
    assert open_loop.skill(None, 0.04, 0.02) is None


def test_a_version_without_held_out_rows_is_reported(
    folder: VersionFolder, pictures: Assets
) -> None:
    for name, section in (("replay", log_replay.section), ("openloop", open_loop.section)):
        path = folder.root / "evaluations" / name / f"{name}.json"
        edit(path, lambda document: document.update(datasets=[]))
        assert texts(section(folder, pictures), "missing") == [log_replay.NOTHING_HELD_OUT]


def test_replay_warns_of_an_unfit_recording(folder: VersionFolder, pictures: Assets) -> None:
    section = log_replay.section(folder, pictures)
    assert tables(section)[0].rows[0] == (
        reported.DATASETS[0],
        "460",
        "1 m",
        "80.4 %",
        "1",
        "0.40 m",
        "0.25 m",
        "1.10 m",
        "3",
    )
    assert "is not fit for comparison: its own path swings" in texts(section, "warning")[0]


def test_replay_says_where_the_recorded_driver_kept_on_the_road(
    folder: VersionFolder, pictures: Assets
) -> None:
    [_, text, *_] = texts(log_replay.section(folder, pictures), "plain")
    assert text == (
        f"The road of `{reported.DATASETS[0]}` was found in 81 % of the rows, 7.5 m wide. Its "
        "driver kept 1.2 m to the right of its middle, and was off the road in 2.5 % of them."
    )


def test_replay_says_so_where_too_little_of_the_road_was_found(
    folder: VersionFolder, pictures: Assets
) -> None:
    def forget(document: dict[str, Any]) -> None:
        for dataset in document["datasets"]:
            dataset["road"] |= {"driver_left_m": None, "driver_off_road_percent": None}
            for drive in dataset["drives"]:
                drive["road"] = {"off_road_percent": None, "times_off_road": None}

    edit(folder.root / "evaluations/replay/replay.json", forget)
    section = log_replay.section(folder, pictures)
    assert tables(section)[0].rows[0][-1] == MISSING
    assert "which is too few to say where the car was on it" in texts(section, "plain")[1]


def test_replay_of_release_0_1_0_knows_no_road(folder: VersionFolder, pictures: Assets) -> None:
    def age(document: dict[str, Any]) -> None:
        for dataset in document["datasets"]:
            del dataset["road"]
            for drive in dataset["drives"]:
                del drive["road"], drive["deviation_without_steady_rmse_m"]

    edit(folder.root / "evaluations/replay/replay.json", age)
    section = log_replay.section(folder, pictures)
    assert tables(section)[0].rows[0][-3:] == (MISSING, "1.10 m", MISSING)
    assert not any("The road of" in text for text in texts(section, "plain"))


def test_simulator_shows_every_measure_with_its_interval(
    folder: VersionFolder, pictures: Assets
) -> None:
    section = closed_loop.section(folder, pictures)
    measures, clear, fog = tables(section)
    assert measures.head == ("measure", "clear", "fog")
    assert measures.rows[0] == ("drives without intervention", "83 % (44–97)", "33 % (10–70)")
    assert clear.rows == (("clear", "1", "forwards", "0 m", "310 m (off road)"),)
    assert len(fog.rows) == 4
    films = [block for block in section.blocks if isinstance(block, Video)]
    assert [each.source.rsplit("/", 1)[-1] for each in films] == [
        "clear-worst.mp4",
        "fog-worst.mp4",
    ]
    assert all(pictures.path(each.file).is_file() for each in films)


def test_the_mean_speed_is_shown_of_a_version_that_has_learned_it(
    folder: VersionFolder, pictures: Assets
) -> None:
    def hurried(document: Any) -> None:
        for condition in document["conditions"]:
            measure = {"mean": 24.06, "low": 23.1, "high": 25.0, "unit": "mph"}
            condition["measures"]["mean_speed_mph"] = measure

    assert "mean speed" not in [
        row[0] for row in tables(closed_loop.section(folder, pictures))[0].rows
    ]
    edit(folder.root / "evaluations" / reported.EVALUATION / "evaluation.json", hurried)
    measures = tables(closed_loop.section(folder, pictures))[0]
    assert measures.rows[-1] == ("mean speed", *["24.1 mph (23.1–25.0)"] * 2)


def test_a_drive_that_ran_out_of_time_is_a_failure(folder: VersionFolder, pictures: Assets) -> None:
    def late(document: Any) -> None:
        document["conditions"][0]["drives"][3] |= {"success": False, "finished": False}

    edit(folder.root / "evaluations" / reported.EVALUATION / "evaluation.json", late)
    _, clear, _ = tables(closed_loop.section(folder, pictures))
    assert clear.rows[1] == ("clear", "4", "backwards", "300 m", "none, but the time was up")


def test_a_drive_with_many_interventions_is_shortened(
    folder: VersionFolder, pictures: Assets
) -> None:
    def hopeless(document: Any) -> None:
        drive = document["conditions"][0]["drives"][0]
        drive["interventions"] *= closed_loop.MAX_PLACES + 15

    edit(folder.root / "evaluations" / reported.EVALUATION / "evaluation.json", hopeless)
    _, clear, _ = tables(closed_loop.section(folder, pictures))
    places = clear.rows[0][-1].split(", ")
    assert places[:-1] == ["310 m (off road)"] * closed_loop.MAX_PLACES
    assert places[-1] == "and 15 more"


@pytest.mark.parametrize("key", ["conditions", "starts", "track"])
def test_an_incomplete_evaluation_is_named(
    folder: VersionFolder, pictures: Assets, key: str
) -> None:
    path = folder.root / "evaluations" / reported.EVALUATION / "evaluation.json"
    edit(path, lambda document: document.pop(key))
    with pytest.raises(ModelError, match=rf"{path.parent.name}/evaluation\.json .* '{key}'"):
        closed_loop.section(folder, pictures)


def test_explanation_shows_images_measures_and_gaps(
    folder: VersionFolder, pictures: Assets
) -> None:
    section = explanation.section(folder, pictures)
    (figure,) = [block for block in section.blocks if isinstance(block, Figure)]
    assert figure.caption == "the frame, the crop, the saliency."
    assert figure.source == "explanation/saliency.png"
    assert tables(section)[0].rows == (
        ("labels as recorded", "5,358 labels"),
        ("share that is exactly 0", "0.125"),
    )
    assert texts(section, "missing") == ["a recording is no longer there."]


def test_provenance_has_digests_and_decisions(folder: VersionFolder) -> None:
    files, packages, decisions = tables(provenance.section(folder))
    assert [row[0] for row in files.rows] == [
        "architecture.json",
        "model.h5",
        "model.tflite",
        "split.json",
    ]
    assert packages.rows == (("keras", "3.15.1"),)
    assert decisions.rows[0][1:] == (
        "first",
        "became current",
        "there was no current version before it",
    )


def trained_further(folder: VersionFolder, data_known: bool = True) -> None:
    """Make the version one that was trained further from version 7, which came from a file."""

    def change(manifest: Any) -> None:
        manifest["lineage"] = [
            asdict(Ancestor(7, "c" * 64, "2026-01-02", ["tub-1"])),
            asdict(Ancestor(3, "d" * 64, "2026-01-01", [], "theirs.h5", data_known)),
        ]
        manifest["data"][1]["version"] = 7
        manifest["metrics"]["parent_validation_mse"] = 0.0211

    edit(folder.root / "manifest.json", change)


def test_lineage_lists_all_ancestors(folder: VersionFolder) -> None:
    trained_further(folder)
    section = lineage.section(folder)
    assert section is not None
    (table,) = tables(section)
    assert table.rows == (
        ("7", "c" * 64, "2026-01-02", "tub-1"),
        ("3", "d" * 64, "2026-01-01", "imported from theirs.h5"),
    )
    (text,) = texts(section, "plain")
    assert "went on from the weights of version 7" in text
    assert "its MSE is 0.01270, and version 7 has 0.02110" in text
    assert texts(section, "warning") == []


def test_lineage_warns_where_it_is_not_known_what_trained_an_ancestor(
    folder: VersionFolder,
) -> None:
    trained_further(folder, data_known=False)
    section = lineage.section(folder)
    assert section is not None
    assert "not known what trained version 3" in texts(section, "warning")[0]


def test_a_version_without_ancestors_has_no_lineage(folder: VersionFolder) -> None:
    assert lineage.section(folder) is None


def test_data_name_the_ancestor_that_a_recording_trained(
    folder: VersionFolder, pictures: Assets
) -> None:
    trained_further(folder)
    section = data.section(folder, pictures)
    (table,) = tables(section)
    assert [row[0] for row in table.rows] == [
        reported.DATASETS[0],
        f"{reported.DATASETS[1]} (version 7)",
    ]
    assert "the rows of this training alone" in texts(section, "plain")[1]


def test_a_shadow_drive_is_told_by_the_steering_of_the_car(
    folder: VersionFolder, pictures: Assets
) -> None:
    section = shadow.section(folder, pictures)
    assert section is not None
    [paragraph] = texts(section, "plain")
    assert "While version 7 drove" in paragraph
    assert "600 frames of 60 s" in paragraph
    assert "opposite sides in 2.5 % of the frames" in paragraph
    assert "0.870" in paragraph
    [table] = tables(section)
    assert table.rows == (
        ("-0.05 to +0.05", "500", "-0.10°", "0.80°"),
        ("+0.05 to +0.20", "100", "-1.75°", "3.25°"),
    )
    assert "11.2°" in table.caption
    figures = [block for block in section.blocks if isinstance(block, Figure)]
    assert [figure.source.rsplit("/", 1)[1] for figure in figures] == ["steering.png", "worst.png"]


def test_a_version_that_never_steered_along_has_no_such_section(
    tmp_path: Path, pictures: Assets
) -> None:
    reported.publish(tmp_path / "models")
    assert shadow.section(VersionFolder(tmp_path / "models", 1), pictures) is None


def test_a_shadow_drive_that_is_malformed_is_named(folder: VersionFolder, pictures: Assets) -> None:
    path = folder.root / "evaluations" / reported.SHADOW / "shadow.json"
    edit(path, lambda document: document.update(moments="many"))
    with pytest.raises(ModelError, match=r"shadow\.json cannot be used in a report: moments"):
        shadow.section(folder, pictures)
