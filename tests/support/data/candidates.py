"""Publishes versions with the results of their drives on a short straight road."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.models.registry import ModelManifest, Registry
from evaluator.closed_loop import paired_drives, rollouts
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.paired_drives import BLOCK_PAIRS, WAYS
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario
from evaluator.settings import Settings
from simulator.rendering.appearance import LIGHTS
from support.data import models

PAIRS = 80
"""Most pairs of drives: enough for two versions that drive exactly alike."""
STARTS = 4
"""Starts that are driven in clear light, under their own numbers."""
DRIVEN = ("straight", "left", "right")
"""Networks: the first stays on the road in both directions, the other two leave it."""


def road(folder: Path) -> Path:
    """Write a straight road of 160 m; a car that drives straight stays on it for an eighth."""
    path = folder / "straight.csv"
    path.write_text("\n".join(f"{10 * point},0,0,8" for point in range(17)))
    return path


def settings(root: Path, track: Path, pairs: int = PAIRS) -> Settings:
    """Return the settings of an evaluator whose volumes are in a folder."""
    return Settings(
        data_dir=root / "data",
        model_dir=root / "models",
        gate_track=str(track),
        gate_pairs=pairs,
        drivers=2,
    )


def scenario(track: Path, light: str = "clear") -> Scenario:
    """Return the drives that the gate asks of a version in a light."""
    condition = Condition(light, light)
    return Scenario(str(track), condition, paired_drives.GATE_LAPS, paired_drives.GATE_SEED)


class Driven:
    """Drives each network once in a test run, and publishes copies with the results.

    Each network drives some starts in clear light. Their results stand for those in all lights and
    blocks: the networks answer any picture alike, and on a straight road starts hardly differ.
    """

    def __init__(self, root: Path, networks: Path) -> None:
        self.track = road(root)
        self._networks = networks
        self._registry = Registry(root / "models")
        self._registry.root.mkdir()
        self.outcomes: dict[str, list[dict[str, Any]]] = {}
        self._gates: dict[str, Path] = {}
        for version, name in enumerate(DRIVEN, 1):
            models.publish(self._registry, networks / name, name)
            [self.outcomes[name]] = rollouts.run_rollouts(
                self._registry, version, [scenario(self.track)], STARTS, LocalProcesses(1)
            )
            self._gates[name] = self._all_blocks(name, root / "gates" / name)

    def publish(
        self,
        registry: Registry,
        name: str,
        job: str,
        *,
        current: bool = False,
        gate: bool = True,
        with_files: Callable[[Path], None] = lambda staged: None,
        **changes: Any,
    ) -> ModelManifest:
        """Publish one of DRIVEN with its results, and make it the current version if asked.

        With `gate` false, the version has only the results of STARTS starts in clear light.
        `with_files` may write files into the folder of the version before it is published.
        """
        registry.root.mkdir(parents=True, exist_ok=True)
        if current:
            published = models.publish(registry, self._networks / name, job, **changes)
        else:
            staged = registry.root / f".staged-{job}"
            shutil.copytree(self._networks / name, staged)
            with_files(staged)
            published = registry.publish(staged, models.manifest(job, **changes))
        to = rollouts.evaluations_folder(registry, published.version)
        if gate:
            shutil.copytree(self._gates[name], to)
        else:
            clear = Path("drives") / scenario(self.track).folder
            results = rollouts.evaluations_folder(self._registry, DRIVEN.index(name) + 1)
            (to / clear).mkdir(parents=True)
            for number in range(1, STARTS + 1):
                shutil.copy(results / clear / f"{number:02}.json", to / clear)
        return published

    def _all_blocks(self, name: str, to: Path) -> Path:
        """Write the results of a version's gate with PAIRS pairs, and return their folder.

        A block has fewer pairs if a light is left out, so there are more blocks.
        """
        for light in LIGHTS:
            folder = to / "drives" / scenario(self.track, light).folder
            folder.mkdir(parents=True)
            starts = {
                paired_drives.start_number(block, light, way): way
                for block in range(1 + PAIRS // (BLOCK_PAIRS - WAYS))
                for way in range(WAYS)
            }
            starts |= {number: number for number in range(STARTS)}
            for number, driven in starts.items():
                result = self.outcomes[name][driven] | {"light": light}
                (folder / f"{number + 1:02}.json").write_text(json.dumps(result))
        return to
