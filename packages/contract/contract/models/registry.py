"""Reads and publishes the versions of models in the registry on the model volume.

    <models>/versions/<n>/    manifest.json and the files that it lists, which never change; later
                              results about the version lie next to them in folders
    <models>/current          link to the current version: the one that drives; see current.py
    <models>/journal.json     decisions on the current version; see journal.py

The trainer, the evaluator and `lapwing promote` write to the registry; inference only reads it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from contract.files import atomic_files
from contract.models import journal
from contract.models.current import H5 as H5
from contract.models.current import CurrentVersion
from contract.models.journal import Decision
from contract.storage.versions import open_version_mirror

__all__ = ["H5", "MANIFEST", "SCHEMA", "TFLITE", "ModelManifest", "Registry"]

SCHEMA: Final = 2
TFLITE: Final = "model.tflite"
MANIFEST: Final = "manifest.json"
MAX_FILE_BYTES: Final = 256 << 20
"""Maximum size of a file that is read, also if the manifest says more; our network has 1 MB."""


@dataclass(frozen=True)
class ModelManifest:
    """Describes how a model was made; without a manifest a model is not used."""

    version: int
    schema: int
    job_id: str
    created_at: str
    files: dict[str, dict[str, object]]
    """The `sha256` and the size in `bytes` of each file of the version."""
    frame_spec: dict[str, object]
    data: list[dict[str, object]]
    """Name, number of rows, and SHA-256 of the manifest of each dataset that was trained on, and
    how many of its rows were left out as `unfit`, by the reason (dataset/path_fitness.py).

    Datasets that trained only an ancestor follow the version's own; see lineage.py."""
    config: dict[str, object]
    seed: int
    history: list[dict[str, Any]]
    """For each finished epoch its metrics, how its time was spent, and a digest of its samples."""
    metrics: dict[str, float]
    packages: dict[str, str]
    quarantined: dict[str, str] = field(default_factory=dict)
    """Datasets that were left out of the training because they are damaged, with the reason."""
    lineage: list[dict[str, object]] = field(default_factory=list)
    """The ancestors of a fine-tuned version, its parent first; see lineage.py."""
    precision: dict[str, str] = field(default_factory=dict)
    """What layers `computed` in while the network was trained, float32 or bfloat16, and the
    `reason`; empty for imports. The files of a version are float32 with either."""

    @property
    def sha256(self) -> str:
        """SHA-256 of model.h5, which identifies the version outside the registry."""
        return str(self.files[H5]["sha256"])


class Registry:
    """Gives access to the versions of models on a model volume.

    With LAPWING_STORAGE it shares its versions, and the decisions about the current one, with other
    machines: what they have published is copied when it is asked for, and when the lock is taken.

    Args:
        root: path of the model volume.
        environ: the environment, with the settings of the object store.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.root = root
        self.mirror = open_version_mirror(root, environ)
        self.current_version = CurrentVersion(root, self.mirror)

    def path(self, version: int) -> Path:
        """Return the folder of a version.

        Raises:
            ModelError: that is no number of a version: one from a queue may be a path.
        """
        if type(version) is not int or version < 1:
            raise ModelError(
                "that is no number of a version",
                got=repr(version),
                remedy="`lapwing models` lists the versions",
            )
        return self.root / "versions" / str(version)

    def versions(self) -> list[int]:
        """Return the numbers of the published versions, oldest first."""
        folder = self.root / "versions"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdecimal())

    def current(self) -> int | None:
        """Return the current version, or None if no version was published yet.

        Raises:
            ModelError: `current` is not a link to a version.
        """
        return self.current_version.current()

    def manifest(self, version: int) -> ModelManifest:
        """Read the manifest of a version.

        Raises:
            ModelError: there is no such version, or its manifest is none.
            OSError: the file cannot be read now; this may pass.
        """
        path = self.path(version) / MANIFEST
        if self.mirror is not None and not path.exists():
            self.mirror.fetch(version)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document.get("schema") != SCHEMA:
                raise ModelError(
                    f"model version {version} has a manifest of another schema",
                    got=document.get("schema"),
                    remedy=f"This release reads schema {SCHEMA}: train again",
                )
            manifest = ModelManifest(**document)
            if not all(
                "sha256" in entry for entry in (manifest.files[H5], *manifest.files.values())
            ):
                raise ValueError("a file has no sha256")
            return manifest
        except FileNotFoundError:
            raise ModelError(
                "no such model version", got=version, remedy=f"There are {self.versions()}"
            ) from None
        except (
            IsADirectoryError,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
            RecursionError,
        ) as error:
            raise ModelError(
                f"the manifest of model version {version} cannot be read",
                got=error,
                remedy="Promote another version, or train again",
            ) from error

    def verify(self, version: int) -> ModelManifest:
        """Compare the files of a version with its manifest, and return the manifest.

        Raises:
            ModelError: a file is missing, too large or different.
        """
        manifest = self.manifest(version)
        for name, expected in manifest.files.items():
            path = self.path(version) / name
            if Path(name).name != name:
                raise ModelError(
                    f"the manifest of model version {version} names a file elsewhere",
                    got=name,
                    remedy="Promote another version, or train again",
                )
            size = path.stat().st_size if path.is_file() else 0
            if size > MAX_FILE_BYTES:
                raise ModelError(
                    f"{name} of model version {version} is too large",
                    got=f"{size:,} bytes",
                    remedy=f"The maximum is {MAX_FILE_BYTES:,} bytes: promote another version",
                )
            digest = atomic_files.sha256(path) if path.is_file() else "no file"
            if digest != expected["sha256"]:
                raise ModelError(
                    f"{name} of model version {version} is not what its manifest says",
                    got=digest,
                    remedy=f"Its sha256 was {expected['sha256']}: promote another version",
                )
        return manifest

    def published_by(self, job_id: str) -> ModelManifest | None:
        """Return the manifest of the version that a job published, or None if there is none.

        A job that is run again uses this to publish only once. If a process was killed before its
        first version became the current one, that is completed first.
        """
        with self.current_version.lock():
            return self._published_by(job_id)

    def _published_by(self, job_id: str) -> ModelManifest | None:
        for version in reversed(self.versions()):
            try:
                manifest = self.manifest(version)
            except ModelError:  # a damaged version must not stop later publications
                continue
            if manifest.job_id == job_id:
                return manifest
        return None

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        """Publish the next version, and return its manifest.

        The version is a candidate: the gate decides whether it becomes the current version. Only if
        there is no current version it becomes the current one at once.

        Args:
            staged: folder with the files of the version, on the same volume. It is moved into the
                registry. If the job has published a version already, that version's manifest is
                returned and the folder stays where it is.
            manifest: manifest of the version; its version number and the digests of its files are
                filled in here.
        """
        with self.current_version.lock():
            earlier = self._published_by(manifest.job_id)
            if earlier is not None:
                return earlier
            files = {
                path.name: {"sha256": atomic_files.sha256(path), "bytes": path.stat().st_size}
                for path in sorted(staged.iterdir())
                if path.name != MANIFEST
            }
            for name in files:
                atomic_files.fsync(staged / name)
            manifest = dataclasses.replace(manifest, files=files)
            taken = self.versions() if self.mirror is None else self.mirror.numbers()
            version = max(taken, default=0) + 1
            while not (published := self._publish_as(version, staged, manifest)):
                version += 1
            return published

    def _publish_as(
        self, version: int, staged: Path, manifest: ModelManifest
    ) -> ModelManifest | None:
        """Publish under a number; return None if another machine has it."""
        manifest = dataclasses.replace(manifest, version=version)
        atomic_files.write_json(staged / MANIFEST, dataclasses.asdict(manifest))
        atomic_files.make_folder(self.path(version).parent)
        decision = None
        if self.current_version.current() is None:
            why = "there was no current version before it"
            decision = journal.decide(version, journal.FIRST, why, None)
            self.current_version.record_intent(decision)
        if self.mirror is not None and not self.mirror.publish(version, staged):
            self.current_version.forget_intent()
            return None
        atomic_files.rename(staged, self.path(version))
        if decision is not None:
            self.current_version.carry_out(decision)
        return manifest

    def decisions(self) -> list[Decision]:
        """Return all decisions about which version is the current one, oldest first."""
        return journal.read(self.root)
