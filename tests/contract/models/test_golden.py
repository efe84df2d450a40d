import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contract.errors import ModelError
from contract.models import golden
from contract.vehicle import MAX_STEER_DEG

FRAMES = np.random.default_rng(1).integers(0, 256, (golden.COUNT, 128, 128, 3), np.uint8)
STEERING = np.linspace(-1, 1, golden.COUNT, dtype=np.float32)


def write_arrays(path: Path, **changes: npt.NDArray[np.generic]) -> Path:
    arrays: dict[str, npt.NDArray[np.generic]] = {"frames": FRAMES, "steering": STEERING, **changes}
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub has an option of that type
    return path


def test_written_frames_are_read_back(tmp_path: Path) -> None:
    golden.write(tmp_path / golden.FILE, FRAMES, STEERING[:, None])
    golden_frames = golden.read(tmp_path / golden.FILE)
    np.testing.assert_array_equal(golden_frames.frames, FRAMES)
    np.testing.assert_array_equal(golden_frames.answers, STEERING[:, None])


def test_without_a_speed_the_file_is_what_it_was_before_there_was_one(tmp_path: Path) -> None:
    golden.write(tmp_path / golden.FILE, FRAMES, STEERING[:, None])
    own = (tmp_path / golden.FILE).read_bytes()
    assert own == write_arrays(tmp_path / "former.npz").read_bytes()


def test_a_learned_speed_is_a_third_array(tmp_path: Path) -> None:
    speed = np.linspace(0.2, 0.9, golden.COUNT, dtype=np.float32)
    answers = np.stack([STEERING, speed], axis=1)
    golden.write(tmp_path / golden.FILE, FRAMES, answers)
    np.testing.assert_array_equal(golden.read(tmp_path / golden.FILE).answers, answers)
    with np.load(tmp_path / golden.FILE) as arrays:
        np.testing.assert_array_equal(arrays["steering"], STEERING)
        np.testing.assert_array_equal(arrays["speed"], speed)


def test_pictures_of_the_simulators_size_are_read_back(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (golden.COUNT, 160, 320, 3), np.uint8)
    golden.write(tmp_path / golden.FILE, pictures, STEERING[:, None])
    np.testing.assert_array_equal(golden.read(tmp_path / golden.FILE).frames, pictures)


@pytest.mark.parametrize(("count", "selected"), [(1, [0] * 8), (15, [0, 2, 4, 6, 8, 10, 12, 14])])
def test_frames_are_selected_at_even_distances(
    tmp_path: Path, count: int, selected: list[int]
) -> None:
    frames = np.zeros((count, 128, 128, 3), np.uint8)
    golden.write(tmp_path / golden.FILE, frames, np.arange(count, dtype=np.float64)[:, None])
    assert golden.read(tmp_path / golden.FILE).answers[:, 0].tolist() == selected


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"golden\.npz holds no golden frames: got .* No such"):
        golden.read(tmp_path / golden.FILE)


@pytest.mark.parametrize("content", [b"", b"no zip", bytes(1000)])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / golden.FILE).write_bytes(content)
    with pytest.raises(ModelError, match="holds no golden frames"):
        golden.read(tmp_path / golden.FILE)


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": FRAMES[:3]},
        {"frames": FRAMES[:, :64, :64]},
        {"frames": FRAMES.astype(np.float32)},
        {"steering": STEERING.astype(np.float64)},
        {"frames": np.asfortranarray(FRAMES)},
        {"steering": np.array([None] * golden.COUNT, dtype=object)},
        {"speed": STEERING[:3]},
    ],
)
def test_arrays_of_other_shapes_or_types_are_refused(
    tmp_path: Path, changes: dict[str, npt.NDArray[np.generic]]
) -> None:
    with pytest.raises(ModelError, match=r"holds no golden frames: got (frames|steering|speed) is"):
        golden.read(write_arrays(tmp_path / golden.FILE, **changes))


def test_a_truncated_array_is_refused(tmp_path: Path) -> None:
    whole = write_arrays(tmp_path / "whole.npz")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / golden.FILE, "w") as target:
        target.writestr("frames.npy", source.read("frames.npy")[:-1])
        target.writestr("steering.npy", source.read("steering.npy"))
    with pytest.raises(ModelError, match="frames has 393215 bytes, not 393216"):
        golden.read(tmp_path / golden.FILE)


def test_the_frames_of_a_version_are_those_of_the_format(tmp_path: Path) -> None:
    """Inference of another release reads the file: eight frames of either size, and float32."""
    for size in ((128, 128), (160, 320)):
        frames = np.zeros((8, *size, 3), np.uint8)
        write_arrays(tmp_path / "golden.npz", frames=frames)
        assert golden.read(tmp_path / "golden.npz").frames.shape == frames.shape
    with zipfile.ZipFile(tmp_path / "golden.npz") as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_the_tolerance_is_a_fortieth_of_a_degree_at_the_wheels() -> None:
    assert pytest.approx(1 / 40) == MAX_STEER_DEG * golden.TOLERANCE


@pytest.mark.parametrize("version", [(2, 0), (3, 0)])
def test_an_array_of_another_format_is_refused(tmp_path: Path, version: tuple[int, int]) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, FRAMES, version=version)
    with zipfile.ZipFile(tmp_path / golden.FILE, "w") as target:
        target.writestr("frames.npy", content.getvalue())
        target.writestr("steering.npy", b"")
    with pytest.raises(ModelError, match="an array of another format"):
        golden.read(tmp_path / golden.FILE)


def test_an_array_is_missing_or_packed_in_an_unknown_way(tmp_path: Path) -> None:
    whole = write_arrays(tmp_path / "whole.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / golden.FILE, "w") as target:
        target.writestr("steering.npy", b"")
    with pytest.raises(ModelError, match="holds no golden frames"):
        golden.read(tmp_path / golden.FILE)
    entry = bytearray(whole)
    entry[entry.index(b"PK\x01\x02") + 10] = 99  # the way of packing in the table of contents
    (tmp_path / golden.FILE).write_bytes(entry)
    with pytest.raises(ModelError, match="holds no golden frames: got That compression method"):
        golden.read(tmp_path / golden.FILE)


def test_the_order_of_an_array_is_told_where_it_is_the_fault(tmp_path: Path) -> None:
    write_arrays(tmp_path / golden.FILE, frames=np.asfortranarray(FRAMES))
    with pytest.raises(ModelError, match="uint8 in Fortran's order, not"):
        golden.read(tmp_path / golden.FILE)
    write_arrays(tmp_path / golden.FILE, frames=FRAMES[:3])
    with pytest.raises(ModelError, match="uint8, not"):
        golden.read(tmp_path / golden.FILE)
