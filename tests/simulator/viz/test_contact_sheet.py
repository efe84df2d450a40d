from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from support.data import samples
from support.data.roads import circle

from contract.errors import RecordingError
from simulator.track.geometry import Stretch
from simulator.viz.contact_sheet import COLUMNS, GAP, HEAD, PAPER, Strip, gallery, sheet

TALL = HEAD + 160 + GAP


def shade(value: int) -> np.ndarray:
    return np.full((160, 320, 3), value, np.uint8)


def cell(picture: np.ndarray, strip: int, column: int) -> np.ndarray:
    top, left = strip * TALL + HEAD, GAP + column * (320 + GAP)
    return picture[top : top + 160, left : left + 320]


def test_each_picture_has_its_place() -> None:
    picture = sheet([Strip("one", [shade(10), shade(20)]), Strip("two", [shade(30)])])
    assert [cell(picture, *at).mean() for at in ((0, 0), (0, 1), (1, 0))] == [10, 20, 30]
    assert (cell(picture, 1, 1) == PAPER).all()


def test_words_stand_above_their_strip() -> None:
    with_words, without = sheet([Strip("lake", [])]), sheet([Strip("", [])])
    differ = np.argwhere((with_words != without).any(axis=2))
    assert differ[:, 0].max() < HEAD


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("gallery") / "run", rows=COLUMNS + 2)


@pytest.fixture(scope="module")
def shown(recording: Path) -> np.ndarray:
    return gallery(circle(stretches=(Stretch("kerb", 0, 40),)), 1, [recording])


def test_the_sheet_has_a_strip_for_each_view(shown: np.ndarray) -> None:
    # clear, recorded, beside the road, cameras, three more lights, varied
    assert len(shown) == 8 * TALL + GAP


def test_recorded_frames_are_shown_as_they_are(shown: np.ndarray, recording: Path) -> None:
    read = simplejpeg.decode_jpeg(sorted((recording / "IMG").glob("center*"))[1].read_bytes())
    assert np.abs(cell(shown, 1, 0).astype(int) - read).max() <= 2


def test_lights_differ_and_show_the_same_place(shown: np.ndarray) -> None:
    clear, overcast = cell(shown, 0, 0).astype(int), cell(shown, 4, 0).astype(int)
    assert clear.std() > 20
    assert np.abs(clear - overcast).mean() > 5
    assert np.corrcoef(clear.mean(axis=2).ravel(), overcast.mean(axis=2).ravel())[0, 1] > 0.8


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "center_1.jpg").write_bytes(samples.jpeg(height=66, width=200))
    with pytest.raises(RecordingError, match="200 x 66 pixels"):
        gallery(circle(), 1, [tmp_path])


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "center_1.jpg").write_bytes(b"nothing")
    with pytest.raises(RecordingError, match="no picture"):
        gallery(circle(), 1, [tmp_path])
