"""P3: no flipped bit and no lost end of a dataset's files reaches a training."""

from __future__ import annotations

import collections
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.data import samples
from support.reliability import trials

from contract import train_config, training_plan
from contract.dataset import store, store_catalog
from contract.errors import StoreError
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

pytestmark = pytest.mark.soak

FILES = {".h5": 0.7, ".json": 0.2, ".ids": 0.1}
"""The share of the trials that each file of a dataset gets: the small ones are rarely hit."""


def what_is_used(data: Path) -> list[tuple[str, bytes]]:
    """Return all that a training takes from the datasets, each verified before it is used.

    Raises:
        StoreError: a dataset cannot be read, or is not what its manifest says.
    """
    selection = training_plan.select_datasets(data, [], train_config.from_arguments({}))
    for reason in selection.unreadable.values():
        raise StoreError(reason)
    used = []
    for manifest in selection.manifests:
        with store.open_store(data, manifest) as reader:
            reader.verify()
            frames = np.empty((manifest.frames, 128, 128, 3), np.uint8)
            reader.gather(np.arange(manifest.frames), frames)
            used += [
                (manifest.dataset, array.tobytes())
                for array in (reader.rows, frames, reader.row_ids, reader.timeline.segment)
            ]
            used.append((manifest.dataset, repr(manifest).encode()))
    return used


@dataclass
class Dataset:
    """A dataset of a volume with two, whose files are damaged and made whole again."""

    data: Path
    name: str
    whole: list[tuple[str, bytes]]

    def path(self, suffix: str) -> Path:
        return store_catalog.folder(self.data) / f"{self.name}{suffix}"

    def outcome(self) -> str:
        """Say what a training would find."""
        try:
            return "harmless" if what_is_used(self.data) == self.whole else "SILENT"
        except StoreError as error:
            return "detected" if self.name in str(error) else f"NOT NAMED: {error}"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    folder = tmp_path_factory.mktemp("corruption")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    for number in range(2):  # 96 frames fill three blocks, so that no byte is padding
        run = samples.recording(folder / f"run{number}", rows=32, seed=number)
        import_source(settings, run, None, 0.0, lambda **_: None)
    manifest = store_catalog.read_manifests(folder / "data")[0]
    yield Dataset(folder / "data", manifest.dataset, what_is_used(folder / "data"))
    shutil.rmtree(folder)


def test_a_flipped_bit_is_detected_or_in_what_nobody_reads(
    dataset: Dataset, print_figures: Callable[[str], None]
) -> None:
    rng, wanted = trials.generator("P3 flips"), trials.count("P3 bit flips")
    outcomes: collections.Counter[str] = collections.Counter()
    silent = []
    for _ in range(wanted):
        (suffix,) = rng.choices(list(FILES), list(FILES.values()))
        path = dataset.path(suffix)
        position, bit = rng.randrange(path.stat().st_size), 1 << rng.randrange(8)
        flip(path, position, bit)
        outcome = dataset.outcome()
        flip(path, position, bit)
        outcomes[f"{suffix} {outcome.partition(':')[0]}"] += 1
        if outcome not in ("detected", "harmless"):
            silent.append(f"{path.name}, byte {position}, bit {bit}: {outcome}")
    assert dataset.outcome() == "harmless"
    trials.record(
        "P3 bit flips",
        print_figures,
        outcomes=dict(outcomes),
        claim=trials.bound(len(silent), wanted),
        faults=silent[:20],
    )
    assert silent == []
    # A damaged file of identities is computed anew, so it is harmless; the others are detected.
    assert outcomes[".h5 harmless"] + outcomes[".json harmless"] <= 0.05 * wanted


def test_a_file_that_lost_its_end_is_detected(
    dataset: Dataset, print_figures: Callable[[str], None]
) -> None:
    rng, wanted = trials.generator("P3 truncations"), trials.count("P3 truncations")
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(wanted):
        (suffix,) = rng.choices(list(FILES), list(FILES.values()))
        path = dataset.path(suffix)
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content))])
        outcomes[f"{suffix} {dataset.outcome()}"] += 1
        path.write_bytes(content)
    trials.record("P3 truncations", print_figures, outcomes=dict(outcomes))
    assert set(outcomes) <= {".h5 detected", ".json detected", ".json harmless", ".ids harmless"}
    assert outcomes[".json harmless"] <= 1  # the last line feed


def flip(path: Path, position: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ bit]))
