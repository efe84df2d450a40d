from pathlib import Path

import numpy as np
import xxhash

from contract.dataset import row_identity


def test_the_identity_of_a_frame_is_the_digest_of_its_pixels() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert row_identity.frame_id(frame) == int(xxhash.xxh3_64_hexdigest(frame.tobytes()), 16)
    assert row_identity.frame_id(frame[::-1]) == row_identity.frame_id(frame[::-1].copy())


def test_identities_are_read_back_and_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    ids = np.array([3, 2**64 - 1, 3], dtype=np.uint64)
    path = tmp_path / "run.ids"
    row_identity.write(path, ids)
    read = row_identity.read(path, row_identity.sha256(ids))
    assert read is not None
    assert read.tolist() == ids.tolist()
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    assert row_identity.read(path, row_identity.sha256(ids)) is None
    assert row_identity.read(tmp_path / "none.ids", row_identity.sha256(ids)) is None


def test_a_time_is_near_an_event_up_to_the_gap() -> None:
    near = row_identity.near(np.arange(10.0), np.array([8.5, 3.0]), 1.0)
    assert np.flatnonzero(near).tolist() == [2, 3, 4, 8, 9]
    assert not row_identity.near(np.arange(3.0), np.zeros(0), 1.0).any()


def test_the_file_of_identities_lies_beside_the_store(tmp_path: Path) -> None:
    """A store and its identities that release 0.1.0 did not write are found by later releases."""
    assert row_identity.path(tmp_path, "lake-1") == tmp_path / "stores" / "lake-1.ids"
    assert row_identity.ABSENT_ID == 0
    row_identity.write(tmp_path / "a", np.array([1, 258], dtype=np.uint64))
    assert (tmp_path / "a").read_bytes() == bytes([1, *[0] * 7, 2, 1, *[0] * 6])
