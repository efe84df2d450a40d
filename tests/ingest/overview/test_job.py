"""Makes overviews and pictures of datasets, and reads the pictures with Pillow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.data import samples

from contract.dataset import exclusions, overviews, store, store_catalog
from contract.settings import load
from ingest.job import import_source
from ingest.overview import job
from ingest.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a data volume with a dataset whose last three lines repeat images."""
    folder = tmp_path_factory.mktemp("overview")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    run = samples.recording(folder / "run", rows=60)
    lines = (run / "driving_log.csv").read_text().splitlines()
    repeated = [line.replace(",0.5,", ",0.4,") for line in lines[10:13]]
    (run / "driving_log.csv").write_text("\n".join([*lines, *repeated]) + "\n")
    import_source(settings, run, None, 0.0, lambda **_: None)
    return settings


def describe(settings: Settings, *datasets: str, pictures: bool = True) -> dict[str, Any]:
    return job.describe(settings, datasets, pictures, lambda **_: None)


def dataset(settings: Settings) -> str:
    [manifest] = store_catalog.read_manifests(settings.data_dir)
    return manifest.dataset


def read_picture(path: str) -> np.ndarray:
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def test_the_sheet_shows_stored_frames_and_the_curve_its_findings(settings: Settings) -> None:
    name = dataset(settings)
    paths = describe(settings, name)["pictures"][name]
    assert Path(paths["steering"]) == settings.data_dir / "overviews" / name / "steering.png"
    sheet, curve = read_picture(paths["contact_sheet"]), read_picture(paths["steering"])
    [manifest] = store_catalog.read_manifests(settings.data_dir)
    frame = np.empty((1, 128, 128, 3), np.uint8)
    with store.open_store(settings.data_dir, manifest) as reader:
        reader.gather(reader.rows["center"][:1], frame)
    # The first frame lies at the left of the first strip, each second column of it as it is stored;
    # the bar of the steering covers its lowest rows.
    shown = sheet[92 : 92 + 116, 24 : 24 + 256 : 2]
    np.testing.assert_array_equal(shown, frame[0, :116])
    found = {finding["name"] for finding in overviews.read(settings.data_dir, name).findings}
    assert "duplicate-rows" in found
    # The finding is shaded in the colour of its mark, which nothing else has.
    marked = (curve[96:296].astype(int) @ [1, 0, -1]) > 60
    columns = np.flatnonzero(marked.sum(axis=0) > 100)
    assert 3 <= len(columns) <= 12
    assert curve.shape[1] == 1600


def test_what_is_excluded_is_grey(settings: Settings) -> None:
    name = dataset(settings)
    before = read_picture(describe(settings, name)["pictures"][name]["steering"])
    exclusions.exclude(settings.data_dir, name, [(20, 40)], "off the road")
    after = read_picture(describe(settings, name)["pictures"][name]["steering"])
    changed = (before[96:296] != after[96:296]).any(axis=2).sum(axis=0) > 150
    columns = np.flatnonzero(changed)
    # The panel has 60 s in 1,512 pixels from column 64; line n is at (n - 1) times 0.067 s.
    first, last = (64 + (line - 1) * 0.067 / 60 * 1512 for line in (20, 40))
    assert (columns[0], columns[-1]) == (pytest.approx(first, abs=2), pytest.approx(last, abs=2))


def test_an_overview_is_made_once_and_again_for_another_store(settings: Settings) -> None:
    name = dataset(settings)
    describe(settings, name, pictures=False)
    path = overviews.folder(settings.data_dir, name) / "overview.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"pauses": 77}))
    describe(settings, name, pictures=False)
    assert json.loads(path.read_text())["pauses"] == 77
    for text in (json.dumps(document | {"manifest_sha256": "0"}), "{"):
        path.write_text(text)
        assert overviews.read(settings.data_dir, name) is None
        describe(settings, name, pictures=False)
        assert json.loads(path.read_text()) == document


def test_a_torn_dataset_costs_itself(settings: Settings) -> None:
    name = dataset(settings)
    result = describe(settings, "gone-12345678", name)
    assert "there is no store gone-12345678" in result["unreadable"]["gone-12345678"]
    assert [*result["pictures"]] == [name]
