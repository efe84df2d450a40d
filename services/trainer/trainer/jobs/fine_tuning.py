"""Goes on from a published version: takes its weights, and knows which rows trained them.

Its files are copied into the workspace of the job first, so a version that is removed while the
training runs does no harm, and a killed training resumes without it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contract import training_plan
from contract.dataset import split_file, trained_rows
from contract.dataset.row_identity import RowIds
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.errors import ModelError
from contract.files import atomic_files
from contract.models import lineage
from contract.models.registry import H5, MANIFEST, ModelManifest, Registry
from contract.train_config import DEFAULT_NETWORK, TrainConfig
from contract.training_plan import ParentVersion
from trainer.graph.layers import Conv, Dense, Layer, NetworkSpec, Rescale, SqueezeExcite
from trainer.keras_import import reader
from trainer.training import network_builder
from trainer.training.run_state import Workspace

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]

DEFAULTS: Final = TrainConfig()
ORIGIN: Final = "origin.json"
"""The manifest of the version whose file was imported as the parent, in the job's workspace."""


@dataclass(frozen=True)
class AncestorRows:
    """The rows that trained a version or one of its ancestors, as far as it is known."""

    data: Sequence[Mapping[str, object]]
    """The `data` of the version's manifest, which names the datasets of its ancestors too."""
    split: SplitFile | None
    """The version's split; None if it keeps none."""
    identities: TrainedRows | None
    """The identities of the version's rows and its ancestors'; None if it keeps none."""


@dataclass(frozen=True, eq=False)
class Parent:
    """A version that a training goes on from."""

    manifest: ModelManifest
    origin: ModelManifest | None
    """The version whose model.h5 was imported as this one, if the registry had it."""
    trained: AncestorRows
    weights: Sequence[Weights]
    """The weights of the network's layers, in Keras's order."""

    @property
    def version(self) -> ParentVersion:
        """The manifests of the version and of its origin."""
        return ParentVersion(self.manifest, self.origin)

    def describe_child(self, child: ModelManifest) -> ModelManifest:
        """Return the manifest of a version that was trained from this one, with its lineage."""
        return lineage.descend(child, self.manifest, self.origin)

    def extend_split(self, own: SplitFile, never_validate: Sequence[Mask]) -> SplitFile:
        """Return a fine-tuning's split with the rows that trained the weights before it.

        Args:
            own: the split of the fine-tuning.
            never_validate: for each of its datasets the rows that trained the weights before.
        """
        datasets = {}
        for (name, part), before in zip(own.datasets.items(), never_validate, strict=True):
            train = before | np.array(split_file.mask(part.train, part.rows), np.bool_)
            datasets[name] = DatasetSplit(part.rows, split_file.runs(train), part.validation)
        before_split = self.trained.split
        if before_split is None:
            return SplitFile(own.gap_s, datasets)
        # The validation rows of datasets that only ancestors saw keep their ancestors' gap.
        return SplitFile(min(own.gap_s, before_split.gap_s), {**before_split.datasets, **datasets})

    def extend_identities(self, own: TrainedRows) -> TrainedRows | None:
        """Return the identities of a fine-tuning's rows with those that trained before it.

        If the version keeps none, the result is None: half of the identities would say of the
        other half that it trained nothing. The split then says which rows trained.
        """
        before = self.trained.identities
        if before is None:
            return None
        return TrainedRows.of(
            np.concatenate([own.trained, before.trained]),
            np.concatenate([own.unused, before.unused]),
            np.concatenate([own.validated, before.validated]),
        )


def trained_by(ancestors: AncestorRows, dataset: Mapping[str, object], ids: RowIds) -> Mask:
    """Return which rows of a store trained a version or one of its ancestors, shape (rows,).

    A version of release 0.1.0 keeps no identities. Of its datasets, the split says which rows
    trained it. Where that is not known either, because the version keeps no split or the store was
    made again since, all rows of a dataset that trained it count.

    Args:
        ancestors: what is known of the version.
        dataset: the store as a manifest names it: `dataset`, `rows` and `manifest_sha256`.
        ids: the identities of the store's rows, shape (rows,).
    """
    if ancestors.identities is not None:
        return np.isin(ids, ancestors.identities.trained)
    entry = next((data for data in ancestors.data if data["dataset"] == dataset["dataset"]), None)
    if entry is None:
        return np.zeros(len(ids), np.bool_)
    split = ancestors.split
    part = None if split is None else split.datasets.get(str(dataset["dataset"]))
    same_store = entry["manifest_sha256"] == dataset["manifest_sha256"]
    if part is None or part.rows != len(ids) or not same_store:
        return np.ones(len(ids), np.bool_)
    return np.array(split_file.mask(part.train, part.rows), np.bool_)


def take(
    registry: Registry, workspace: Workspace, version: int, config: TrainConfig = DEFAULTS
) -> Parent:
    """Return a version to go on from, and copy its files into the job's workspace the first time.

    Args:
        registry: the registry of the versions.
        workspace: the workspace of the job.
        version: number of the version.
        config: the options of the training, which name its network.

    Raises:
        TrainingError: the manifest of the version tells another network, or other outputs.
        ModelError: there is no such version, it is damaged, or it has other layers.
    """
    folder = workspace.parent_dir
    if not (folder / MANIFEST).exists():
        _copy(registry, version, folder)
    manifest = _read_manifest(folder / MANIFEST)
    origin = _read_manifest(folder / ORIGIN) if (folder / ORIGIN).exists() else None
    training_plan.check_network(config, ParentVersion(manifest, origin))
    trained = AncestorRows(
        (origin or manifest).data,
        split_file.read(folder / split_file.FILE),
        trained_rows.read(folder / trained_rows.FILE),
    )
    own = folder / "network.h5"
    built = network_builder.build(config.network, "float32", learn_speed=config.learn_speed)
    built.save(own)
    try:
        weights = match_layers(
            f"version {manifest.version}",
            reader.read(folder / H5, whole=True).network,
            reader.read(own, whole=True).network,
            config.network,
        )
    finally:
        own.unlink()
    return Parent(manifest, origin, trained, weights)


def _copy(registry: Registry, version: int, folder: Path) -> None:
    found = training_plan.find_parent(registry, version)
    manifest, origin = found.manifest, found.origin
    with atomic_files.replace_folder(folder) as copy:
        shutil.copyfile(registry.path(version) / H5, copy / H5)
        if atomic_files.sha256(copy / H5) != manifest.sha256:
            raise ModelError(
                f"{H5} of model version {version} changed while it was copied",
                remedy="Train again, and remove no version meanwhile",
            )
        trained = manifest if origin is None else origin
        for name in (split_file.FILE, trained_rows.FILE):
            if name in trained.files:
                shutil.copyfile(registry.path(trained.version) / name, copy / name)
        for name, each in ((MANIFEST, manifest), (ORIGIN, origin)):
            if each is not None:
                (copy / name).write_text(json.dumps(asdict(each)), encoding="utf-8")


def _read_manifest(path: Path) -> ModelManifest:
    return ModelManifest(**json.loads(path.read_text(encoding="utf-8")))


def match_layers(
    name: str, found: NetworkSpec, own: NetworkSpec, network: str = DEFAULT_NETWORK
) -> list[Weights]:
    """Return the weights of a network that has the layers of one of Lapwing's.

    Args:
        name: name of the version in messages.
        found: the network of the version.
        own: Lapwing's network, with any weights.
        network: name of Lapwing's network.

    Raises:
        ModelError: a layer differs; the message names the first.
    """
    pairs = zip_longest(_layers(found), _layers(own))
    for number, (there, here) in enumerate(pairs):
        if there != here:
            place = "input" if number == 0 else f"layer {number}"
            raise ModelError(
                f"{name} cannot be trained further: its {place} is not that of Lapwing's network "
                f"{network}",
                got=f"{there or 'no layer'}, not {here or 'no layer'}",
                remedy="Train without --from, with its own --network, or from another version",
            )
    layers = [layer for layer in found.layers if isinstance(layer, Conv | Dense | SqueezeExcite)]
    # The fields of these classes are in the order in which Keras has the weights.
    values = [getattr(layer, field.name) for layer in layers for field in fields(layer)]
    return [value for value in values if isinstance(value, np.ndarray)]


def _layers(network: NetworkSpec) -> Iterator[str]:
    """Yield the input and each layer in words that are equal for layers of the same form."""
    yield f"{network.input_dtype} {' x '.join(map(str, network.input_shape))}"
    for layer in network.layers:
        if layer != Rescale(1.0, 0.0):  # an import puts it first: it only converts to float32
            yield _describe(layer)


def _describe(layer: Layer) -> str:
    options = (f"{field.name} {_value(getattr(layer, field.name))}" for field in fields(layer))
    return f"{type(layer).__name__.lower()} ({', '.join(options)})".replace(" ()", "")


def _value(value: object) -> str:
    if isinstance(value, np.ndarray):
        return " x ".join(map(str, value.shape))
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
