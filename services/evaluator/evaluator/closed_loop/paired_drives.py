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

A candidate that has learned its speed must also be no slower, at equal autonomy. The difference in
pace of a pair is 100 (1 - the faster's time / the slower's time), so it is within -100..100 as that
of autonomy, and the same test decides. Its margin of 5 points is a time that is 5.3 % longer. As
each course must be passed, the errors do not add up (noninferiority.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.jobs import queue
from contract.models.registry import Registry
from evaluator.closed_loop import noninferiority, statistics
from evaluator.closed_loop.executors.executor import DriveExecutor
from evaluator.closed_loop.noninferiority import MIN_SCORE, Comparison, PairedScores
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Rollout, RolloutPool, Scenario
from simulator.rendering.appearance import LIGHTS
from simulator.track.catalog import load_track

GATE_LAPS: Final = 0.125
"""Length of a drive: 21 s on the lake, in which an intervention costs 28 points of autonomy."""
GATE_SEED: Final = 20_261
"""Seed of the starts; the demonstration and evaluations have others, so nobody trains on these."""
WAYS: Final = 2
"""Starts with an even number drive with increasing stations, the others against them."""
BLOCK_PAIRS: Final = len(LIGHTS) * WAYS
PACE: Final = "pace"
ALL_LIGHTS: Final = "all lights"
SLOWEST_MPS: Final = 0.1
"""Mean speed at and below which a drive is no faster than any other."""

Floats = NDArray[np.float64]


def compare(
    registry: Registry,
    track: str,
    candidate: int,
    incumbent: int,
    most_pairs: int,
    executor: DriveExecutor,
    report: queue.Report,
    *,
    pace: bool = False,
) -> list[Comparison]:
    """Compare how two versions drive in the simulator: their autonomy, and their pace if asked.

    The pace is compared only if the autonomy is no worse: who drives worse must not be faster, and
    is refused anyway. It takes the same drives, and more of them if they do not decide on it.

    Args:
        registry: registry of both versions.
        track: track to drive.
        candidate: version that may become the current one.
        incumbent: version that is the current one.
        most_pairs: largest number of pairs of drives, BLOCK_PAIRS or more.
        executor: where the drives are made; it is ended in the end.
        report: called with the progress.
        pace: whether the pace is compared, because the candidate has learned its speed.

    Raises:
        LapwingError: a version is damaged, or the track cannot be driven.
    """
    name = f"simulator, {track}"
    with RolloutPool(registry, executor) as pool:
        lights = _lights_driven(pool, track, incumbent, report)
        course = _Course(pool, track, candidate, incumbent, lights or LIGHTS, most_pairs, report)
        verdict = None
        while verdict is None:
            course.drive_block()
            scores = course.autonomy()
            if lights or _drives_somewhere(scores):
                verdict = noninferiority.judge_drives(scores, course.pairs_left)
            else:
                verdict = noninferiority.NOT_INFORMATIVE
        found = [noninferiority.compare_drives(name, scores, verdict)]
        if pace and verdict == noninferiority.NO_WORSE:
            while (slower := noninferiority.judge_drives(course.pace(), course.pairs_left)) is None:
                course.drive_block()
            found.append(
                noninferiority.compare_drives(
                    name, course.pace(), slower, PACE, course.lap_times_s()
                )
            )
    return found


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


@dataclass
class _Course:
    """The drives of two versions in the same situations, block by block."""

    pool: RolloutPool
    track: str
    candidate: int
    incumbent: int
    lights: tuple[str, ...]
    most_pairs: int
    report: queue.Report
    blocks: int = 0
    own: list[dict[str, Any]] = field(default_factory=list)
    """Results of the candidate's drives."""
    other: list[dict[str, Any]] = field(default_factory=list)
    """Results of the incumbent's drives, from the same starts."""

    @property
    def pairs_left(self) -> int:
        """Number of pairs that may follow: those of whole blocks."""
        block = len(self.lights) * WAYS
        return (self.most_pairs // block - self.blocks) * block

    def drive_block(self) -> None:
        """Let both versions drive the starts of the next block."""
        self.report(phase="drive", version=self.candidate)
        self.blocks += 1
        own, other = (
            _block_of(version, self.track, self.lights, self.blocks)
            for version in (self.candidate, self.incumbent)
        )
        before, total = 2 * len(self.own), 2 * self.most_pairs
        results = self.pool.run(
            [*own, *other],
            lambda done, _: self.report(drives=before + done, drives_total=total),
        )
        self.own += results[: len(own)]
        self.other += results[len(own) :]

    def autonomy(self) -> PairedScores:
        """Return the autonomy of each drive; a part is a light."""
        part = np.tile(np.repeat(np.array(self.lights), WAYS), self.blocks)
        return PairedScores(part, _autonomies(self.own), _autonomies(self.other))

    def pace(self) -> PairedScores:
        """Return the pace of each drive: its mean speed as a share of the faster one's, 0..100.

        All lights are one part: a driver who goes slowly in the dusk does right.
        """
        own, other = (
            np.array([drive["distance_m"] / drive["elapsed_s"] for drive in drives])
            for drives in (self.own, self.other)
        )
        fastest = np.maximum(np.maximum(own, other), SLOWEST_MPS)
        return PairedScores(
            np.full(len(own), ALL_LIGHTS), 100.0 * own / fastest, 100.0 * other / fastest
        )

    def lap_times_s(self) -> tuple[float, float]:
        """Return the mean time of a lap of the candidate and of the incumbent."""
        length_m = load_track(self.track).length_m
        own, other = (
            length_m
            * sum(drive["elapsed_s"] for drive in drives)
            / max(sum(drive["distance_m"] for drive in drives), 1.0)
            for drives in (self.own, self.other)
        )
        return own, other


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


def _drives_somewhere(scores: PairedScores) -> bool:
    """Return whether the candidate reaches MIN_SCORE on average in a light."""
    return any(part.candidate.mean() >= MIN_SCORE for part in scores.parts().values())
