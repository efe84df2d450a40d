"""Lets two versions drive the same starts, block by block, until it is shown which is no worse.

A block has one start for each light and each way round: eight in all. The starts of a block, and
those of different blocks, are drawn independently of each other, and by a fixed seed: block and
stratum give the number of the start. So a gate that was killed goes on with the drives that are
there, and an incumbent drives once for all of its challengers. Each pair has the same weight, and
betting.py says why it is right to look after each block.

Block 0 is driven by the incumbent alone. It says in which lights the incumbent drives at all, and
only these are compared: where it does not, nothing can be lost, and pairs of two versions that both
fail would hide a loss elsewhere. Because block 0 is compared with nothing, this choice of lights
cannot favour a candidate. If the incumbent drives in none, all lights are compared.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.jobs import queue
from contract.models.registry import Registry
from evaluator.closed_loop import noninferiority, statistics
from evaluator.closed_loop.noninferiority import MIN_SCORE, Comparison, PairedScores
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Rollout, RolloutPool, Scenario
from simulator.rendering.appearance import LIGHTS

GATE_LAPS: Final = 0.125
"""Length of a drive: 21 s on the lake, in which an intervention costs 28 points of autonomy."""
GATE_SEED: Final = 20_261
"""Seed of the starts; the demonstration and evaluations have others, so nobody trains on these."""
WAYS: Final = 2
"""Starts with an even number drive with increasing stations, the others against them."""
BLOCK_PAIRS: Final = len(LIGHTS) * WAYS

Floats = NDArray[np.float64]


def compare(
    registry: Registry,
    track: str,
    candidate: int,
    incumbent: int,
    most_pairs: int,
    processes: int,
    report: queue.Report,
) -> Comparison:
    """Compare the autonomy of two versions in the simulator.

    Args:
        registry: registry of both versions.
        track: track to drive.
        candidate: version that may become the current one.
        incumbent: version that is the current one.
        most_pairs: largest number of pairs of drives, BLOCK_PAIRS or more.
        processes: number of processes that drive, as of RolloutPool.
        report: called with the progress.

    Raises:
        LapwingError: a version is damaged, or the track cannot be driven.
    """
    with RolloutPool(registry, processes) as pool:
        lights = _lights_driven(pool, track, incumbent, report)
        compared = lights or LIGHTS
        most_blocks = most_pairs // (len(compared) * WAYS)
        blocks: list[PairedScores] = []
        verdict = None
        while verdict is None:
            blocks.append(
                _drive_block(
                    pool, track, candidate, incumbent, compared, 1 + len(blocks), most_pairs, report
                )
            )
            scores = _join(blocks)
            left = (most_blocks - len(blocks)) * len(compared) * WAYS
            if lights or _drives_somewhere(scores):
                verdict = noninferiority.judge_drives(scores, left)
            else:
                verdict = noninferiority.NOT_INFORMATIVE
    return noninferiority.compare_drives(f"simulator, {track}", scores, verdict)


def start_number(block: int, light: str, way: int) -> int:
    """Return the number of a block's start in a light and a way round, from 0."""
    return block * BLOCK_PAIRS + LIGHTS.index(light) * WAYS + way


def _lights_driven(
    pool: RolloutPool, track: str, incumbent: int, report: queue.Report
) -> tuple[str, ...]:
    """Return the lights in which the incumbent reaches MIN_SCORE in one of its drives."""
    report(phase="drive", version=incumbent)
    drives = _block_of(incumbent, track, LIGHTS, 0)
    results = pool.run(drives, lambda done, total: report(drives=done, drives_total=total))
    return tuple(
        light
        for light, own in zip(LIGHTS, np.split(_autonomies(results), len(LIGHTS)), strict=True)
        if own.max() >= MIN_SCORE
    )


def _drive_block(
    pool: RolloutPool,
    track: str,
    candidate: int,
    incumbent: int,
    lights: tuple[str, ...],
    block: int,
    most_pairs: int,
    report: queue.Report,
) -> PairedScores:
    """Let both versions drive the starts of a block; return their autonomies."""
    report(phase="drive", version=candidate)
    versions = (candidate, incumbent)
    drives = [each for version in versions for each in _block_of(version, track, lights, block)]
    before = (block - 1) * len(drives)
    results = pool.run(
        drives,
        lambda done, total: report(drives=before + done, drives_total=len(versions) * most_pairs),
    )
    own, other = np.split(_autonomies(results), len(versions))
    return PairedScores(np.repeat(np.array(lights), WAYS), own, other)


def _block_of(version: int, track: str, lights: tuple[str, ...], block: int) -> list[Rollout]:
    """Return a version's drives of a block, ordered by light and way round."""
    return [
        Rollout(
            version,
            Scenario(track, Condition(light, light), GATE_LAPS, GATE_SEED),
            start_number(block, light, way),
        )
        for light in lights
        for way in range(WAYS)
    ]


def _autonomies(drives: list[dict[str, Any]]) -> Floats:
    """Return the autonomy of each drive, 0..100, shape (drives,)."""
    return np.array([drive["metrics"][statistics.AUTONOMY] for drive in drives], dtype=np.float64)


def _join(blocks: list[PairedScores]) -> PairedScores:
    return PairedScores(
        np.concatenate([block.part for block in blocks]),
        np.concatenate([block.candidate for block in blocks]),
        np.concatenate([block.incumbent for block in blocks]),
    )


def _drives_somewhere(scores: PairedScores) -> bool:
    """Return whether the candidate reaches MIN_SCORE on average in a light."""
    return any(part.candidate.mean() >= MIN_SCORE for part in scores.parts().values())
