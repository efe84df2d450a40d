from pathlib import Path

import av
import pytest
from support.data import reported

from contract.errors import ModelError
from evaluator.report.video_excerpt import SPEED_UP, write_excerpt


def test_the_excerpt_is_faster_and_smaller(tmp_path: Path) -> None:
    reported.film(tmp_path / "x.mp4", frames=30)
    write_excerpt(tmp_path / "x.mp4", tmp_path / "y.mp4")
    with av.open(str(tmp_path / "y.mp4")) as made:
        stream = made.streams.video[0]
        assert (stream.width, stream.height) == (64, 32)
        assert made.duration == pytest.approx(1e6 * 10 / 15, rel=0.01)
        shades = [float(frame.to_ndarray(format="gray").mean()) for frame in made.decode(stream)]
    assert len(shades) == 30 // SPEED_UP
    assert shades == sorted(shades)


def test_a_file_that_is_not_a_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no film at all")
    with pytest.raises(ModelError, match=r"the video x\.mp4 cannot be read"):
        write_excerpt(tmp_path / "x.mp4", tmp_path / "y.mp4")
