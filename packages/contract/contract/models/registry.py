"""The registry of models: immutable versions, and a switch that says which one drives.

    <models>/versions/<n>/    manifest.json, and the files that it lists: never changed again;
                              what is found out about it later lies in folders beside them
    <models>/current          see switch.py
    <models>/journal.json     see journal.py

Trainer, evaluator and `lapwing promote` write here; inference mounts it read-only.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contract import atomic_files as publish
from contract.errors import ModelError
from contract.models import journal
from contract.models.current import H5 as H5
from contract.models.current import CurrentVersion
from contract.models.journal import Decision

__all__ = ["H5", "MANIFEST", "SCHEMA", "TFLITE", "ModelManifest", "Registry"]

SCHEMA: Final = 2
TFLITE: Final = "model.tflite"
MANIFEST: Final = "manifest.json"
MAX_FILE_BYTES: Final = 256 << 20
"""Larger files are not read, whatever a manifest says of them; our network has 1 MB."""


@dataclass(frozen=True)
class ModelManifest:
    """The conditions under which a model was made, without which it is not used."""

    version: int
    schema: int
    job_id: str
    created_at: str
    files: dict[str, dict[str, object]]
    """sha256 and bytes of each file of the version."""
    frame_spec: dict[str, object]
    data: list[dict[str, object]]
    """dataset, rows and sha256 of the manifest of each store that was trained on."""
    config: dict[str, object]
    seed: int
    history: list[dict[str, Any]]
    """One entry a finished epoch: scores, where its time went, the digest of its samples."""
    metrics: dict[str, float]
    packages: dict[str, str]
    quarantined: dict[str, str] = field(default_factory=dict)
    """Datasets that were asked for, found damaged and left out, and what was wrong with each."""

    @property
    def sha256(self) -> str:
        """The digest of model.h5, by which the version is known outside."""
        return str(self.files[H5]["sha256"])


class Registry:
    """The model volume at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.switch = CurrentVersion(root)

    def path(self, version: int) -> Path:
        """Return the folder of a version."""
        return self.root / "versions" / str(version)

    def versions(self) -> list[int]:
        """List the published versions, oldest first."""
        folder = self.root / "versions"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdecimal())

    def current(self) -> int | None:
        """Return the version that drives, or None while none was published.

        Raises:
            ModelError: `current` is no link to a version.
        """
        return self.switch.current()

    def manifest(self, version: int) -> ModelManifest:
        """Read a version's manifest.

        Raises:
            ModelError: there is no such version, or its manifest cannot be read.
        """
        path = self.path(version) / MANIFEST
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
                raise ValueError("a file without a sha256")
            return manifest
        except FileNotFoundError:
            raise ModelError(
                "no such model version", got=version, remedy=f"There are {self.versions()}"
            ) from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ModelError(
                f"the manifest of model version {version} cannot be read",
                got=error,
                remedy="Promote another version, or train again",
            ) from error

    def verify(self, version: int) -> ModelManifest:
        """Compare a version's files with its manifest, which is returned.

        Raises:
            ModelError: a file is missing or differs.
        """
        manifest = self.manifest(version)
        for name, expected in manifest.files.items():
            path = self.path(version) / name
            if Path(name).name != name:
                raise ModelError(
                    f"the manifest of model version {version} names a file elsewhere", got=name
                )
            size = path.stat().st_size if path.is_file() else 0
            if size > MAX_FILE_BYTES:
                raise ModelError(
                    f"{name} of model version {version} is too large",
                    got=f"{size:,} bytes",
                    remedy=f"At most {MAX_FILE_BYTES:,} are read",
                )
            found = publish.sha256(path) if path.is_file() else "no file"
            if found != expected["sha256"]:
                raise ModelError(
                    f"{name} of model version {version} is not what its manifest says",
                    got=found,
                    remedy=f"Its sha256 was {expected['sha256']}: promote another version",
                )
        return manifest

    def of_job(self, job_id: str) -> ModelManifest | None:
        """Return what a job published, or None: a job that is run again publishes once.

        A publication that was killed before its version became the current one is ended first.
        """
        with self.switch.lock():
            return self._of_job(job_id)

    def _of_job(self, job_id: str) -> ModelManifest | None:
        for version in reversed(self.versions()):
            try:
                manifest = self.manifest(version)
            except ModelError:  # of a version that was damaged later; it must not stop all others
                continue
            if manifest.job_id == job_id:
                return manifest
        return None

    def publish(self, staged: Path, manifest: ModelManifest) -> ModelManifest:
        """Turn the folder `staged`, on the same volume, into the next version: a candidate.

        It drives at once only where nothing drove before; else the gate decides. The manifest's
        version and file digests are filled in here. A job that has published already is answered
        with what it published, and `staged` stays where it is.
        """
        with self.switch.lock():
            earlier = self._of_job(manifest.job_id)
            if earlier is not None:
                return earlier
            files = {
                path.name: {"sha256": publish.sha256(path), "bytes": path.stat().st_size}
                for path in sorted(staged.iterdir())
                if path.name != MANIFEST
            }
            version = max(self.versions(), default=0) + 1
            manifest = dataclasses.replace(manifest, version=version, files=files)
            for name in files:
                publish.fsync(staged / name)
            publish.write_json(staged / MANIFEST, dataclasses.asdict(manifest))
            self.path(version).parent.mkdir(parents=True, exist_ok=True)
            if self.switch.current() is not None:
                publish.rename(staged, self.path(version))
                return manifest
            decision = journal.decide(version, journal.FIRST, "nothing drove before it", None)
            self.switch.record_intent(decision)
            publish.rename(staged, self.path(version))
            self.switch.carry_out(decision)
            return manifest

    def decisions(self) -> list[Decision]:
        """Return who became current, when and why, and who did not; the earliest first."""
        return journal.read(self.root)
