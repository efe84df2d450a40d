from pathlib import Path

import av
import numpy as np
import pytest
import reported

from contract.errors import ModelError
from evaluator.report.digest import QUICKER, digest, halved


def test_it_is_quicker_and_smaller(tmp_path: Path) -> None:
    reported.film(tmp_path / "x.mp4", frames=30)
    digest(tmp_path / "x.mp4", tmp_path / "y.mp4")
    with av.open(str(tmp_path / "y.mp4")) as made:
        stream = made.streams.video[0]
        assert (stream.width, stream.height) == (64, 32)
        assert made.duration == pytest.approx(1e6 * 10 / 15, rel=0.01)
        shades = [float(frame.to_ndarray(format="gray").mean()) for frame in made.decode(stream)]
    assert len(shades) == 30 // QUICKER
    assert shades == sorted(shades)


def test_a_pixel_is_the_mean_of_four_in_each_plane() -> None:
    luma = np.arange(48, dtype=np.uint8).reshape(6, 8)
    colour = np.arange(12, dtype=np.uint8).reshape(3, 4)
    packed = np.concatenate([luma.ravel(), colour.ravel(), 100 + colour.ravel()]).reshape(9, 8)
    small = halved(packed)
    assert small.tolist() == [[4, 6, 8, 10], [20, 22, 24, 26], [2, 4, 102, 104]]


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no film at all")
    with pytest.raises(ModelError, match=r"x\.mp4 is no film that can be shown"):
        digest(tmp_path / "x.mp4", tmp_path / "y.mp4")
