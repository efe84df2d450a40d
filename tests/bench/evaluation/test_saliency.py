from pathlib import Path

import numpy as np
import pytest
from bench.evaluation import saliency

from contract.models.registry import H5
from simulator.track import builtin
from trainer.keras_import import reader

SHOWN = np.zeros((128, 128), bool)
SHOWN[43:116] = True
REGION = np.zeros((6, 128, 128), bool)
REGION[:, 43:116, :32] = True


def test_a_saliency_that_is_everywhere_is_chance() -> None:
    even = np.repeat(SHOWN[None] / SHOWN.sum(), 6, axis=0)
    found = saliency.factor(even, REGION, SHOWN)
    assert found["factor"] == pytest.approx(1)
    assert found["factor_of_frame"] == pytest.approx(128 / 73)
    assert found["share_of_crop"] == pytest.approx(0.25)


def test_a_saliency_that_is_all_inside_is_as_many_times_chance_as_there_is_room() -> None:
    mass = np.zeros((6, 128, 128))
    mass[:, 60, 3] = 1
    found = saliency.factor(mass, REGION, SHOWN)
    assert (found["factor"], found["peaks_inside"]) == (pytest.approx(4), 1.0)
    assert found["factor_low"] <= found["factor"] <= found["factor_high"]


def test_thrown_about_it_is_the_same_mass_within_what_is_shown() -> None:
    mass = np.random.default_rng(1).random((2, 128, 128)) * SHOWN
    found = saliency.thrown(mass, SHOWN, 1)
    np.testing.assert_allclose(np.sort(found.ravel()), np.sort(mass.ravel()))
    assert not found[:, ~SHOWN].any()
    assert not np.array_equal(found, mass)


def test_frames_of_the_simulator_tell_edges_from_chance(networks: Path) -> None:
    """Even an untrained network's convolutions answer to edges: the control that matters."""
    network = reader.read(networks / "real" / H5).network
    found = saliency.measure(network, builtin.lake(), 12)
    assert set(found) == {"the version", "untrained", "of another frame", "pixels thrown about"}
    assert found["untrained"]["edges"]["factor"] > 1.5
    assert found["pixels thrown about"]["edges"]["factor"] == pytest.approx(1, abs=0.1)
    own = found["the version"]
    assert own["road and edges"]["share_of_mass"] == pytest.approx(
        own["edges"]["share_of_mass"] + own["road without edges"]["share_of_mass"]
    )
