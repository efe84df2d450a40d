"""Checks what a training needs, as far as the manifests on the two volumes tell it.

The command line makes these checks before it queues a job, and the job makes them again when it
begins, which may be hours later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.dataset import store_catalog
from contract.dataset.store_catalog import StoreManifest, StoreSelection
from contract.errors import ModelError, TrainingError
from contract.models.registry import ModelManifest, Registry
from contract.policy.answer import output_count
from contract.recordings.reserved_names import is_simulated_dataset
from contract.train_config import DEFAULT_NETWORK, TrainConfig

__all__ = ["ParentVersion", "check_frames", "check_network", "find_parent", "select_datasets"]


@dataclass(frozen=True)
class ParentVersion:
    """The manifests of a version that a training goes on from."""

    manifest: ModelManifest
    origin: ModelManifest | None
    """The trained version whose model.h5 was imported as this one, if the registry has it."""

    @property
    def datasets(self) -> set[str]:
        """The datasets that trained the version or one of its ancestors."""
        return {str(entry["dataset"]) for entry in (self.origin or self.manifest).data}


def find_parent(registry: Registry, version: int) -> ParentVersion:
    """Return the manifests of a version to go on from, whose files are compared with them.

    Raises:
        TrainingError: that is no number of a version.
        ModelError: there is no such version, or it is damaged.
    """
    if type(version) is not int or version < 1:
        raise TrainingError(
            "parent has a value it cannot take",
            got=repr(version),
            remedy="It must be the number of a version, as `lapwing models` lists them",
        )
    manifest = registry.verify(version)
    return ParentVersion(manifest, _find_origin(registry, manifest))


def _find_origin(registry: Registry, manifest: ModelManifest) -> ModelManifest | None:
    """Return the trained version whose model.h5 was imported as another one, or None."""
    for version in registry.versions():
        try:
            candidate = registry.manifest(version)
        except ModelError:  # a damaged version says nothing, so its data count as not known
            continue
        trained = "imported_from" not in candidate.config
        if trained and candidate.sha256 == manifest.config.get("source_sha256"):
            return registry.verify(version)
    return None


def select_datasets(
    data_dir: Path, names: Sequence[str], config: TrainConfig, parent: ParentVersion | None = None
) -> StoreSelection:
    """Return the stores that a training reads, as `store_catalog.select_stores` does.

    Args:
        data_dir: path of the data volume.
        names: names of datasets or recordings. Without any, a training from random weights takes
            all but the laps of --with-simulator, and a fine-tuning those of them that trained
            neither the parent nor its ancestors.
        config: the options of the training.
        parent: the version whose weights the training goes on from.

    Raises:
        StoreError: no store has one of the names, or none of the stores can be read.
        TrainingError: the stores do not fit the options, the parent or each other, or the parent
            has another network.
    """
    selection = store_catalog.select_stores(data_dir, names)
    manifests = selection.manifests
    if not names:
        manifests = _own(manifests)
    if parent is not None and not names:
        manifests = _new_to(parent, manifests)
    check_frames(manifests, parent)
    check_network(config, parent)
    own = [manifest for manifest in manifests if not is_simulated_dataset(manifest.dataset)]
    if config.split == "recordings" and len(own or manifests) < 2:
        raise TrainingError(
            "a split by recordings needs at least two recordings",
            got=len(own or manifests),
            remedy="Import another recording, or train with split=blocks",
        )
    return StoreSelection(manifests, selection.unreadable)


def check_frames(manifests: Sequence[StoreManifest], parent: ParentVersion | None) -> None:
    """Check that all stores hold frames of one kind, which is that of the parent.

    Raises:
        TrainingError: they hold others.
    """
    frame_spec = manifests[0].frame_spec
    if any(manifest.frame_spec != frame_spec for manifest in manifests):
        raise TrainingError(
            "the recordings hold frames of different kinds",
            got={manifest.dataset: manifest.frame_spec for manifest in manifests},
            remedy="Import them again with this release",
        )
    if parent is not None and parent.manifest.frame_spec != frame_spec:
        raise TrainingError(
            f"version {parent.manifest.version} takes other frames than the recordings hold",
            got={"version": parent.manifest.frame_spec, "recordings": frame_spec},
            remedy="Import the recordings again with this release, or train without --from",
        )


def check_network(config: TrainConfig, parent: ParentVersion | None) -> None:
    """Check that the parent has the network that is to be trained, as far as manifests tell it.

    An imported file tells no network; the job compares its layers.

    Raises:
        TrainingError: the parent has another network, or only one of the two learns the speed.
    """
    if parent is None:
        return
    trained = (parent.origin or parent.manifest).config
    found = trained.get("network", DEFAULT_NETWORK)
    if "imported_from" in trained:
        return
    if found != config.network:
        raise TrainingError(
            f"version {parent.manifest.version} has another network than the training",
            got=f"{found}, not {config.network}",
            remedy=f"Train with --network {found}, or without --from",
        )
    learned = output_count(trained) == 2
    if learned != config.learn_speed:
        raise TrainingError(
            f"version {parent.manifest.version} has another number of outputs than the training",
            got="steering and speed" if learned else "steering alone",
            remedy=f"Train {'with' if learned else 'without'} --learn-speed, or without --from",
        )


def _own(manifests: Sequence[StoreManifest]) -> list[StoreManifest]:
    """Return the datasets that are no laps of --with-simulator.

    Raises:
        TrainingError: there is none.
    """
    own = [manifest for manifest in manifests if not is_simulated_dataset(manifest.dataset)]
    if not own and manifests:
        raise TrainingError(
            "there is no recording to train on but the simulator's",
            got=[manifest.dataset for manifest in manifests],
            remedy="Import a recording of your own, or name those that it shall train on",
        )
    return own


def _new_to(parent: ParentVersion, manifests: Sequence[StoreManifest]) -> list[StoreManifest]:
    """Return the datasets that trained neither a version nor one of its ancestors.

    Raises:
        TrainingError: there is none.
    """
    new = [manifest for manifest in manifests if manifest.dataset not in parent.datasets]
    if not new:
        raise TrainingError(
            f"there is no recording that is new to version {parent.manifest.version}",
            got=f"all of {[manifest.dataset for manifest in manifests]} trained it or an ancestor",
            remedy="Import a new recording, or name the datasets that it shall train on again",
        )
    return new
