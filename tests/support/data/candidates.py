"""Publishes versions with the results of their drives on a short straight road."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from contract.models.registry import ModelManifest, Registry
from evaluator.closed_loop import rollouts
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario
from evaluator.jobs import gate
from evaluator.settings import Settings
from support.data import models

STARTS = 4
DRIVEN = ("straight", "left", "right")
"""Networks: the first stays on the road in both directions, the other two leave it."""


def road(folder: Path) -> Path:
    """Write a straight road of 80 m; a car that drives straight stays on it for a quarter of it."""
    path = folder / "straight.csv"
    path.write_text("\n".join(f"{10 * point},0,0,8" for point in range(9)))
    return path


def settings(root: Path, track: Path) -> Settings:
    """Return the settings of an evaluator whose volumes are in a folder."""
    return Settings(
        data_dir=root / "data",
        model_dir=root / "models",
        gate_track=str(track),
        gate_starts=STARTS,
        drivers=2,
    )


def scenario(track: Path) -> Scenario:
    """Return the drives that the gate asks of a version."""
    return Scenario(str(track), Condition(), gate.GATE_LAPS, gate.GATE_SEED)


class Driven:
    """Drives each network once in a test run, and publishes copies with the results."""

    def __init__(self, root: Path, networks: Path) -> None:
        self.track = road(root)
        self._networks = networks
        self._registry = Registry(root / "models")
        self._registry.root.mkdir()
        self.outcomes: dict[str, list[dict[str, Any]]] = {}
        for version, name in enumerate(DRIVEN, 1):
            models.publish(self._registry, networks / name, name)
            [self.outcomes[name]] = rollouts.run_rollouts(
                self._registry, version, [scenario(self.track)], STARTS, 1
            )

    def publish(
        self, registry: Registry, name: str, job: str, *, current: bool = False, **changes: Any
    ) -> ModelManifest:
        """Publish one of DRIVEN with its results, and make it the current version if asked."""
        registry.root.mkdir(parents=True, exist_ok=True)
        if current:
            published = models.publish(registry, self._networks / name, job, **changes)
        else:
            staged = registry.root / f".staged-{job}"
            shutil.copytree(self._networks / name, staged)
            published = registry.publish(staged, models.manifest(job, **changes))
        results = rollouts.evaluations_folder(self._registry, DRIVEN.index(name) + 1)
        shutil.copytree(results, rollouts.evaluations_folder(registry, published.version))
        return published
