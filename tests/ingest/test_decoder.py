from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.data import jpegs, samples

from contract.frames import preprocess
from contract.recordings.driving_log import Rejection, Row
from ingest.decoder import ROWS_PER_TASK, TASKS_PER_THREAD, decode


def row(line: int, *images: str) -> Row:
    return Row(line, images, 0.0, 0.0, 0.0, 1.0)


def decoded(rows: list[Row], images: Mapping[str, Path]) -> list[object]:
    with ThreadPoolExecutor(2) as executor:
        return list(decode(rows, images, executor, 2, {}))


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Return the paths of three good images and of four bad ones."""
    whole = samples.jpeg(seed=9)
    contents = {f"{n}.jpg": samples.jpeg(seed=n) for n in range(3)}
    contents |= {"empty.jpg": b"", "half.jpg": whole[: len(whole) // 2], "text.jpg": b"hello"}
    contents["scans.jpg"] = jpegs.with_scans(jpegs.progressive(), 500)
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_rows_come_in_order_with_their_prepared_frames(images: dict[str, Path]) -> None:
    rows = [row(line, f"{line % 3}.jpg") for line in range(200)]
    for expected, (decoded_row, frames) in zip(rows, decoded(rows, images), strict=True):
        assert decoded_row is expected
        jpeg = images[expected.images[0]].read_bytes()
        np.testing.assert_array_equal(frames[0], preprocess.prepare(jpeg))


@pytest.mark.parametrize("count", [0, 1, ROWS_PER_TASK, 2 * ROWS_PER_TASK + 1])
def test_any_number_of_rows_is_decoded(images: dict[str, Path], count: int) -> None:
    rows = [row(line, "1.jpg") for line in range(count)]
    assert [result[0].line for result in decoded(rows, images)] == list(range(count))  # type: ignore[index]


def test_only_a_few_rows_are_decoded_ahead(images: dict[str, Path]) -> None:
    """A recording of any length takes the same memory."""
    counted = CountedImages(images)
    with ThreadPoolExecutor(1) as executor:
        results = decode((row(line, "0.jpg") for line in range(1000)), counted, executor, 1, {})
        next(results)
        executor.submit(int).result()  # The one thread has done what was asked of it before.
        ahead = counted.looked_up
        assert ahead <= (TASKS_PER_THREAD + 1) * ROWS_PER_TASK
        results.close()  # type: ignore[attr-defined]
        executor.submit(int).result()
        assert counted.looked_up == ahead


class CountedImages(dict[str, Path]):
    """Paths of images by their names; it counts how often one is looked up."""

    looked_up = 0

    def get(self, key: str, default: Path | None = None) -> Path | None:  # type: ignore[override]
        self.looked_up += 1
        return super().get(key, default)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.jpg", "image is missing"),
        ("empty.jpg", "the frame is not a JPEG"),
        ("text.jpg", "the frame is not a JPEG"),
        ("half.jpg", "the JPEG is truncated or corrupt"),
        ("scans.jpg", "the JPEG has too many scans"),
    ],
)
def test_a_bad_image_costs_only_its_own_row(
    images: dict[str, Path], name: str, reason: str
) -> None:
    results = decoded([row(1, "0.jpg", "1.jpg", "2.jpg"), row(2, "0.jpg", name, "2.jpg")], images)
    assert isinstance(results[0], tuple)
    rejection = results[1]
    assert isinstance(rejection, Rejection)
    assert (rejection.line, rejection.field, rejection.reason) == (2, "left", reason)
    assert name in rejection.got
