"""A worker reads the stores of its own machine, if they are those of the driver."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.data import small_training

from contract.dataset import store, store_catalog
from contract.errors import StoreError
from contract.train_config import TrainConfig
from trainer.distributed import rank_plan


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    return small_training.import_recording(tmp_path / "driver", 30)


@pytest.fixture
def manifests(driver: Path) -> dict[str, str]:
    config = TrainConfig(validation_gap_s=0.2)
    return dict(small_training.make_plan(driver, config)[0].manifests)


def copied(driver: Path, folder: Path) -> Path:
    shutil.copytree(driver, folder)
    return folder


def test_a_copy_of_the_stores_is_as_good(
    driver: Path, manifests: dict[str, str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        opened = rank_plan.open_stores(copied(driver, tmp_path / "node"), manifests, stack)
        assert [reader.dataset for reader in opened] == list(manifests)


def test_a_store_that_is_missing_on_the_machine_is_refused(
    manifests: dict[str, str], tmp_path: Path
) -> None:
    (name,) = manifests
    with (
        ExitStack() as stack,
        pytest.raises(StoreError, match=rf"node/stores/{name}\.json with the SHA-256 none"),
    ):
        rank_plan.open_stores(tmp_path / "node", manifests, stack)


def test_another_store_of_the_same_name_is_refused(
    driver: Path, manifests: dict[str, str], tmp_path: Path
) -> None:
    node = copied(driver, tmp_path / "node")
    (name,) = manifests
    path = store_catalog.paths(node, name)[1]
    path.write_text(path.read_text() + "\n")
    with ExitStack() as stack, pytest.raises(StoreError, match="not the stores that the driver"):
        rank_plan.open_stores(node, manifests, stack)


def test_a_damaged_copy_is_refused(driver: Path, manifests: dict[str, str], tmp_path: Path) -> None:
    node = copied(driver, tmp_path / "node")
    (manifest,) = store_catalog.select_manifests(node, list(manifests))
    path = store_catalog.paths(node, manifest.dataset)[0]
    with store.open_store(node, manifest) as reader:
        place = int(reader.layout.offsets[0]) + 4321
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with ExitStack() as stack, pytest.raises(StoreError, match="is damaged"):
        rank_plan.open_stores(node, manifests, stack)
