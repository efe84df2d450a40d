"""Cuts the power while a store is published: a dataset that is listed is whole."""

from collections.abc import Sequence
from pathlib import Path

from support.power.power_cuts import Record

from contract.dataset import row_identity, store, store_catalog

PROGRAM = """
import numpy as np
from ingest.store_writer import StoreWriter, build_table
with StoreWriter(root, "run-1", 3) as writer:
    random = np.random.default_rng(1)
    records = []
    for number in range(3):
        frame = writer.add(random.integers(0, 256, (128, 128, 3), dtype=np.uint8))
        records.append((number, number / 15, 0.1, 0, 0, 9.0, frame, -1, -1))
    writer.publish("run-1", build_table(records), {"name": "run", "sha256": "0"}, {})
acknowledge("run-1")
"""


def check(disk: Path, acknowledged: Sequence[str]) -> None:
    stores = store_catalog.read_stores(disk)
    assert not stores.unreadable
    for manifest in stores.manifests:
        with store.open_store(disk, manifest) as reader:
            reader.verify()
            assert len(reader.rows) == 3
        ids = row_identity.read(row_identity.path(disk, manifest.dataset), manifest.row_ids_sha256)
        assert ids is not None, "the identities of the rows are missing or damaged"
    assert {manifest.dataset for manifest in stores.manifests} >= set(acknowledged)


def test_a_listed_store_is_whole_and_an_acknowledged_one_is_listed(record_program: Record) -> None:
    recording = record_program(PROGRAM)
    count, violation = recording.find_violation(check)
    assert violation is None
    assert count > 20
    # The folder is flushed once more after the identities, and before the manifest is written.
    assert recording.unneeded_syncs(check) == [2]
