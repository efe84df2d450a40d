import itertools
from pathlib import Path

import matplotlib.image
import pytest

from simulator.viz import chart_style as style


def test_labels_keep_their_distance_and_order() -> None:
    places = style.spread_labels([0.5, 0.51, 0.1], 0.1)
    assert places[1] - places[0] == pytest.approx(0.1)
    assert sum(places[:2]) / 2 == pytest.approx(0.505)
    assert places[2] == 0.1


def test_labels_with_enough_room_stay_at_their_values() -> None:
    assert style.spread_labels([0.9, 0.1, 0.5], 0.1) == [0.9, 0.1, 0.5]


def test_a_group_that_reaches_another_is_merged_with_it() -> None:
    places = style.spread_labels([0.5, 0.5, 0.5, 0.62], 0.1)
    assert sorted(places) == places
    assert min(b - a for a, b in itertools.pairwise(places)) == pytest.approx(0.1)


def test_a_chart_is_a_png_of_the_common_width(tmp_path: Path) -> None:
    with style.save_figure(tmp_path / "x.png", 2.0, (1.0, 2.0)) as axes:
        assert len(axes) == 2
    assert matplotlib.image.imread(tmp_path / "x.png").shape[:2] == (400, 1600)
