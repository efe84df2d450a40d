from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from support.data import samples
from support.data.roads import circle

from contract.errors import RecordingError
from simulator.track.geometry import RoadFeature
from simulator.viz.contact_sheet import (
    COLUMNS,
    GAP_PX,
    HEADER_PX,
    PAPER,
    Strip,
    draw_contact_sheet,
    stack_strips,
)

STRIP_HEIGHT = HEADER_PX + 160 + GAP_PX


def shade(value: int) -> np.ndarray:
    return np.full((160, 320, 3), value, np.uint8)


def cell(picture: np.ndarray, strip: int, column: int) -> np.ndarray:
    top, left = strip * STRIP_HEIGHT + HEADER_PX, GAP_PX + column * (320 + GAP_PX)
    return picture[top : top + 160, left : left + 320]


def test_each_picture_has_its_place() -> None:
    picture = stack_strips([Strip("one", [shade(10), shade(20)]), Strip("two", [shade(30)])])
    assert [cell(picture, *at).mean() for at in ((0, 0), (0, 1), (1, 0))] == [10, 20, 30]
    assert (cell(picture, 1, 1) == PAPER).all()


def test_captions_are_above_their_strip() -> None:
    with_words, without = stack_strips([Strip("lake", [])]), stack_strips([Strip("", [])])
    differ = np.argwhere((with_words != without).any(axis=2))
    assert differ[:, 0].max() < HEADER_PX


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("gallery") / "run", rows=COLUMNS + 2)


@pytest.fixture(scope="module")
def sheet(recording: Path) -> np.ndarray:
    return draw_contact_sheet(circle(features=(RoadFeature("kerb", 0, 40),)), 1, [recording])


def test_the_sheet_has_a_strip_for_each_view(sheet: np.ndarray) -> None:
    # The strips are: clear, recorded, beside the road, cameras, three more lights, and varied.
    assert len(sheet) == 8 * STRIP_HEIGHT + GAP_PX


def test_recorded_frames_are_shown_unchanged(sheet: np.ndarray, recording: Path) -> None:
    read = simplejpeg.decode_jpeg(sorted((recording / "IMG").glob("center*"))[1].read_bytes())
    assert np.abs(cell(sheet, 1, 0).astype(int) - read).max() <= 2


def test_lights_differ_and_show_the_same_place(sheet: np.ndarray) -> None:
    clear, overcast = cell(sheet, 0, 0).astype(int), cell(sheet, 4, 0).astype(int)
    assert clear.std() > 20
    assert np.abs(clear - overcast).mean() > 5
    assert np.corrcoef(clear.mean(axis=2).ravel(), overcast.mean(axis=2).ravel())[0, 1] > 0.8


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "center_1.jpg").write_bytes(samples.jpeg(height=66, width=200))
    with pytest.raises(RecordingError, match="200 x 66 pixels"):
        draw_contact_sheet(circle(), 1, [tmp_path])


def test_a_file_that_is_not_a_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "center_1.jpg").write_bytes(b"nothing")
    with pytest.raises(RecordingError, match="no picture"):
        draw_contact_sheet(circle(), 1, [tmp_path])
