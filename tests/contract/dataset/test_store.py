import dataclasses
import json
import random
from pathlib import Path

import numpy as np
import psutil
import pytest
import tables
from support.data import samples

from contract.dataset import row_identity, store, store_catalog
from contract.dataset.frame_blocks import BLOCK_FRAMES
from contract.dataset.store import StoreReader
from contract.dataset.store_catalog import StoreManifest
from contract.errors import StoreError
from contract.frames import preprocess
from contract.settings import load
from contract.vehicle import CAMERA_NAMES
from ingest.job import import_source
from ingest.settings import Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with a store of 40 rows."""
    folder = tmp_path_factory.mktemp("store")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder)})
    run = samples.recording(folder / "run", rows=40)
    import_source(settings, run, None, 0.0, lambda **_: None)
    return folder


@pytest.fixture
def manifest(data: Path) -> StoreManifest:
    return store_catalog.read_manifests(data)[0]


def copy_store(data: Path, manifest: StoreManifest, tmp_path: Path) -> Path:
    path = tmp_path / "copy.h5"
    path.write_bytes(store_catalog.paths(data, manifest.dataset)[0].read_bytes())
    return path


def test_frames_are_gathered_in_any_order(data: Path, manifest: StoreManifest) -> None:
    order = np.random.default_rng(1).permutation(manifest.frames)
    out = np.empty((len(order), 128, 128, 3), np.uint8)
    with store.open_store(data, manifest) as reader:
        reader.gather(order, out)
    for position in (0, 17, 55, 119):
        row, camera = divmod(int(order[position]), 3)
        name = f"{CAMERA_NAMES[camera]}_{samples.stamp(row)}.jpg"
        expected = preprocess.prepare((data / "run" / "IMG" / name).read_bytes())
        np.testing.assert_array_equal(out[position], expected)


def test_a_flipped_bit_is_found_and_its_block_named(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    path = copy_store(data, manifest, tmp_path)
    content = bytearray(path.read_bytes())
    out = np.empty((1, 128, 128, 3), np.uint8)
    with StoreReader(path, manifest) as reader:
        reader.gather(np.array([BLOCK_FRAMES + 3]), out)
    frame_start = content.index(out.tobytes())
    content[frame_start + 1234] ^= 1
    path.write_bytes(content)
    with (
        StoreReader(path, manifest) as reader,
        pytest.raises(StoreError, match=r"block 1 \(frames 32-63\) differs"),
    ):
        reader.verify()


@pytest.mark.parametrize("field", ["steering", "time_s", "center"])
def test_a_changed_row_is_found(
    data: Path, manifest: StoreManifest, tmp_path: Path, field: str
) -> None:
    path = copy_store(data, manifest, tmp_path)
    with StoreReader(path, manifest) as reader:
        rows = reader.rows.copy()
    content = bytearray(path.read_bytes())
    start = content.index(rows.tobytes()) + 7 * rows.itemsize + rows.dtype.fields[field][1]
    content[start] ^= 1
    path.write_bytes(content)
    with StoreReader(path, manifest) as reader:
        assert reader.rows[field][7] != rows[field][7]
        with pytest.raises(StoreError, match="the rows differ from their checksum"):
            reader.verify()


def test_no_flipped_bit_of_frames_or_rows_goes_unnoticed(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    path = copy_store(data, manifest, tmp_path)
    whole = path.read_bytes()
    with StoreReader(path, manifest) as reader:
        expected_rows = reader.rows.copy()
        expected = np.empty((manifest.frames, 128, 128, 3), np.uint8)
        reader.gather(np.arange(manifest.frames), expected)
    rng = random.Random(1)
    for _ in range(40):
        position = rng.randrange(len(whole))
        content = bytearray(whole)
        content[position] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            with StoreReader(path, manifest) as reader:
                reader.verify()
                # The checksums match, so the flipped bit must be in a part that is never read.
                out = np.empty_like(expected)
                reader.gather(np.arange(manifest.frames), out)
                np.testing.assert_array_equal(out, expected)
                np.testing.assert_array_equal(reader.rows, expected_rows)
        except StoreError:
            continue


def test_a_truncated_store_is_refused_when_it_is_opened(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    path = copy_store(data, manifest, tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="is not what its manifest says"):
        StoreReader(path, manifest)


def test_a_missing_store_is_refused(data: Path, manifest: StoreManifest, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="got no file"):
        StoreReader(tmp_path / "gone.h5", manifest)


def test_a_file_that_is_no_store_is_refused(manifest: StoreManifest, tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"x" * 100)
    with pytest.raises(StoreError, match="is damaged"):
        StoreReader(tmp_path / "a.h5", dataclasses.replace(manifest, file_bytes=100))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"schema": 2}', "cannot be read"),
        (json.dumps({"schema": 99}), "has another schema: got 99"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(StoreError, match=message):
        store_catalog.read_manifest(tmp_path / "run.json")


def test_stores_are_selected_by_dataset_or_by_recording(
    data: Path, manifest: StoreManifest
) -> None:
    for names in ([], ["run"], [manifest.dataset], ["run", manifest.dataset]):
        assert store_catalog.select_manifests(data, names) == [manifest]


def test_a_name_of_no_store_is_refused(data: Path) -> None:
    with pytest.raises(StoreError, match=r"no such dataset: got lake. There are \['run-"):
        store_catalog.select_manifests(data, ["lake"])


def test_a_volume_without_stores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no recording to train on"):
        store_catalog.select_manifests(tmp_path, [])


def test_rows_that_differ_from_their_checksum_are_found(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    """A steering that was changed is in no block of frames."""
    path = copy_store(data, manifest, tmp_path)
    with tables.open_file(str(path), "r+") as file:
        file.root.rows.modify_column(3, 4, column=np.float32([0.5]), colname="steering")
    changed = dataclasses.replace(manifest, file_bytes=path.stat().st_size)
    with (
        StoreReader(path, changed) as reader,
        pytest.raises(StoreError, match="damaged: got the rows differ from their checksum"),
    ):
        reader.verify()


def forged(path: Path, rows: np.ndarray, frames: np.ndarray | None) -> StoreManifest:
    """Write an HDF5 file in which a store's parts are others, and return a manifest of it."""
    with tables.open_file(str(path), "w") as file:
        if rows.dtype.names:
            file.create_table("/", "rows", rows)
        else:
            file.create_array("/", "rows", rows)
        if frames is None:
            file.create_group("/", "frames")
        elif frames.ndim == 4 and len(frames):
            file.create_array("/", "frames", frames)
        else:
            shape = (0, *frames.shape[1:])
            file.create_earray("/", "frames", tables.UInt8Atom(), shape).append(frames)
    size = path.stat().st_size
    return StoreManifest("a", 2, {}, 3, 3, size, 32, [], "0", {}, {}, "2026-01-01")


@pytest.mark.parametrize(
    ("rows", "frames", "got"),
    [
        (np.zeros(3), np.zeros((3, 4, 4, 3), np.uint8), "rows of another type"),
        (np.zeros(3, [("line", "<i4")]), None, "rows of another type"),
        (np.zeros(3, store.ROW), None, "does not have a child"),
        (np.zeros(3, store.ROW), np.zeros((3, 4, 4, 3), np.uint8), "not chunked"),
        (np.zeros(3, store.ROW), np.zeros((0, 4, 4, 3), np.uint8), "not within dataset shape"),
        (np.zeros(3, store.ROW), np.zeros(9, np.uint8), "do not match dataset shape"),
    ],
)
def test_an_hdf5_file_of_another_content_is_refused(
    tmp_path: Path, rows: np.ndarray, frames: np.ndarray | None, got: str
) -> None:
    manifest = forged(tmp_path / "a.h5", rows, frames)
    with pytest.raises(StoreError, match=f"the store a.h5 is damaged: got .*{got}"):
        StoreReader(tmp_path / "a.h5", manifest)


def test_a_folder_in_place_of_a_store_is_refused(tmp_path: Path, manifest: StoreManifest) -> None:
    (tmp_path / "a.h5").mkdir()
    size = (tmp_path / "a.h5").stat().st_size
    with pytest.raises(StoreError, match="is damaged"):
        StoreReader(tmp_path / "a.h5", dataclasses.replace(manifest, file_bytes=size))


def test_a_reader_keeps_its_file_open_until_it_is_closed(
    data: Path, manifest: StoreManifest
) -> None:
    (path, _) = store_catalog.paths(data, manifest.dataset)
    with store.open_store(data, manifest) as reader:
        reader.gather(np.array([0]), np.empty((1, 128, 128, 3), np.uint8))
        assert str(path) in {each.path for each in psutil.Process().open_files()}
    assert str(path) not in {each.path for each in psutil.Process().open_files()}


def test_a_session_begins_a_segment(data: Path, manifest: StoreManifest) -> None:
    (path, _) = store_catalog.paths(data, manifest.dataset)
    whole = StoreReader(path, manifest).timeline.segment
    assert not whole.any()
    parts = StoreReader(path, dataclasses.replace(manifest, sessions=[0, 11, 30])).timeline
    assert np.flatnonzero(np.diff(parts.segment)).tolist() == [10, 29]


def test_identities_are_computed_from_the_frames_where_their_file_is_gone(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    copy = copy_store(data, manifest, tmp_path)
    with store.open_store(data, manifest) as whole, StoreReader(copy, manifest) as lone:
        assert copy.with_suffix(".ids").exists() is False
        assert len(set(whole.row_ids.tolist())) == 40
        assert lone.row_ids.tolist() == whole.row_ids.tolist()
        assert lone.row_ids is lone.row_ids  # the frames are read once
        assert lone.timeline is lone.timeline
    assert store.read_row_ids(data, manifest).tolist() == whole.row_ids.tolist()
    other = dataclasses.replace(manifest, row_ids_sha256="0" * 64)  # as where the file is damaged
    assert store.read_row_ids(data, other).tolist() == whole.row_ids.tolist()


def test_the_identities_of_a_store_are_those_of_its_file(
    data: Path, manifest: StoreManifest, tmp_path: Path
) -> None:
    """The file is the writer's word: reading it costs a thousandth of reading the frames."""
    copy = copy_store(data, manifest, tmp_path)
    ids = np.arange(40, dtype=np.uint64)
    row_identity.write(copy.with_suffix(".ids"), ids)
    told = dataclasses.replace(manifest, row_ids_sha256=row_identity.sha256(ids))
    with StoreReader(copy, told) as reader:
        assert reader.row_ids.tolist() == ids.tolist()


def test_a_camera_without_an_image_has_the_number_of_the_format(tmp_path: Path) -> None:
    """Eleven rows of three cameras are a block and one frame more, which is read too."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path)})
    for name, cameras in (("one", ("center",)), ("three", CAMERA_NAMES)):
        run = samples.recording(tmp_path / name, rows=11, cameras=cameras)
        import_source(settings, run, None, 0.0, lambda **_: None)
    three, one = sorted(store_catalog.read_manifests(tmp_path), key=lambda each: -each.frames)
    with store.open_store(tmp_path, one) as reader:
        assert set(reader.rows["left"]) == set(reader.rows["right"]) == {-1}
    assert three.frames == 33
    out = np.empty((1, 128, 128, 3), np.uint8)
    with store.open_store(tmp_path, three) as reader:
        reader.verify()
        reader.gather(np.array([32]), out)
        assert int(reader.rows["right"][10]) == 32
    picture = tmp_path / "three" / "IMG" / f"right_{samples.stamp(10)}.jpg"
    np.testing.assert_array_equal(out[0], preprocess.prepare(picture.read_bytes()))


def test_verified_blocks_are_the_frames_in_order(data: Path, manifest: StoreManifest) -> None:
    out = np.empty((manifest.frames, 128, 128, 3), np.uint8)
    with store.open_store(data, manifest) as reader:
        reader.gather(np.arange(manifest.frames), out)
        blocks = list(reader.verified_blocks())
    assert [len(block) for block in blocks] == [32, 32, 32, 24]
    np.testing.assert_array_equal(np.concatenate(blocks), out)
