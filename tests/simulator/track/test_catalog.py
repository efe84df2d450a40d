from pathlib import Path

import numpy as np
import pytest

from contract.errors import SettingError
from simulator.track.builtin import lake
from simulator.track.catalog import load_track


def test_a_track_is_found_by_its_name() -> None:
    assert (load_track("lake").points == lake().points).all()
    assert load_track("random:7").name == "random:7"
    assert load_track(str(Path(__file__).parent / "brands_hatch.csv")).name == "brands_hatch"


def test_a_process_makes_a_random_track_once() -> None:
    """Worlds around one track share its survey, which takes most of their time."""
    assert load_track("random:3") is load_track("random:3")
    assert not np.array_equal(load_track("random:3").points, load_track("random:4").points)


@pytest.mark.parametrize(
    "name",
    [
        "random",
        "random:",
        "random:x",
        "random:-1",
        "random:1.5",
        "random:1e3",
        "random:4294967296",
        "random:07",
        "random: 7",
        "random:7 ",
        "random:\N{ARABIC-INDIC DIGIT THREE}",
    ],
)
def test_a_bad_seed_is_refused_with_what_is_allowed(name: str) -> None:
    allowed = "Write random: and a whole number from 0 to 4,294,967,295"
    with pytest.raises(SettingError, match=allowed) as refused:
        load_track(name)
    assert name in str(refused.value)


def test_the_largest_seed_has_a_track() -> None:
    assert load_track("random:4294967295").closed


@pytest.mark.parametrize("name", ["moon", "Random:7", "randomly"])
def test_an_unknown_name_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(SettingError, match=r"lake or jungle, random: and a seed .* or a CSV"):
        load_track(name)
