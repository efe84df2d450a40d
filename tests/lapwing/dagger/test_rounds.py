"""Tests of the arguments of a round's jobs. tests/lapwing/commands/test_dagger.py runs rounds."""

from support.data import models

from lapwing.dagger.rounds import training_arguments, weakest_conditions


def test_a_training_has_the_current_names_of_a_manifest_of_release_0_1_0() -> None:
    manifest = models.manifest("job", config={"epochs": 8, "gap_s": 2.0, "light": 0.3})
    assert training_arguments(manifest, ["lake"], {"epochs": None}) == {
        "datasets": ["lake"],
        "epochs": 8,
        "validation_gap_s": 2.0,
        "brightness": 0.3,
    }


def test_the_condition_with_the_lowest_autonomy_is_learned_from() -> None:
    autonomy = {"clear": {"mean": 90.0}, "fog": {"mean": 40.0}}
    assert weakest_conditions(autonomy) == ["fog"]
    assert weakest_conditions({name: {"mean": 100.0} for name in autonomy}) == ["clear", "fog"]
