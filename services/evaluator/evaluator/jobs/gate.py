"""The gate: has a candidate and the version that drives drive the same courses, and decides.

Simulator drives are paired by their starts, replays by pieces of recorded driving that the
candidate was not trained on. docs/gate.md tells the rule and what it cannot tell.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from contract.jobs import queue
from contract.models import journal, promotion
from contract.models.journal import Decision
from contract.models.registry import Registry
from contract.policy import load_version
from contract.settings import load
from evaluator.closed_loop import rollouts, statistics
from evaluator.closed_loop.noninferiority import Comparison, compare, verdict
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Course
from evaluator.offline import held_out, log_replay_eval, stored_drive
from evaluator.settings import Settings

log = logging.getLogger(__name__)

LAPS: Final = 0.25
"""Of a drive: 44 s on the lake, in which an intervention costs 14 points of autonomy."""
SEED: Final = 20_261
"""Of the starts; not the demonstration's nor an evaluation's, so that nobody trains for these."""
PIECE_S: Final = 4.0
"""Of recorded driving: each begins on the path. The shortest block that validates lasts four gaps
of a second."""


def run(version: int) -> dict[str, Any]:
    """Decide whether a version becomes the current one; RQ calls this in a process of its own.

    Returns:
        What `lapwing promote` shows: version, against, accepted, why and the comparisons.

    Raises:
        LapwingError: a version is damaged, or a course cannot be driven.
    """
    job_id, report = queue.current_job()
    decision = decide(load(Settings, os.environ), job_id, version, report)
    log.info(
        "version %d: %s, %s", version, "accepted" if decision.accepted else "refused", decision.why
    )
    return {
        "gate": {
            "version": version,
            "against": decision.previous,
            "accepted": decision.accepted,
            "why": decision.why,
            **decision.evidence,
        }
    }


def decide(settings: Settings, job_id: str, version: int, report: queue.Report) -> Decision:
    """Do the work of `run` for the job `job_id`; once more where another version came meanwhile."""
    registry = Registry(settings.model_dir)
    while True:
        with registry.current_version.lock():  # and so what a killed process began is ended
            against, known = registry.current(), registry.decisions()
        registry.verify(version)
        earlier = [each for each in known if each.id == job_id]
        if earlier:
            return earlier[0]
        if against == version:
            return _standing(known, version)
        accepted, why, evidence = True, "nothing drove before it", {}
        if against is not None:
            found = [
                *_simulator(settings, registry, version, against, report),
                *_replays(settings, registry, version, against, report),
            ]
            accepted, why = verdict(found)
            evidence = {"comparisons": [each.document() for each in found]}
        decision = promotion.decide(
            registry, version, against, job_id, why, evidence, accepted=accepted
        )
        if decision is not None:
            return decision
        log.info("version %s is not current any more: compared anew", against)


def _standing(known: Sequence[Decision], version: int) -> Decision:
    """Return why the current version is that; a journal that was put aside does not say."""
    said = [each for each in known if each.version == version and each.accepted]
    return said[-1] if said else journal.decide(version, journal.FIRST, "it drives already", None)


def _simulator(
    settings: Settings, registry: Registry, version: int, against: int, report: queue.Report
) -> list[Comparison]:
    """Compare autonomies in the simulator, start by start."""
    course = Course(settings.gate_track, Condition(), LAPS, SEED)
    figures = []
    for each in (against, version):
        report(phase="drive", version=each)

        def told(done: int, total: int) -> None:
            report(drives=done, drives_total=total)

        [drives] = rollouts.drives(
            registry, each, [course], settings.gate_starts, settings.drivers, told
        )
        figures.append(np.array([drive["metrics"][statistics.AUTONOMY] for drive in drives]))
    incumbent, candidate = figures
    return [compare(f"simulator, {course.track}", "autonomy", candidate, incumbent)]


def _replays(
    settings: Settings, registry: Registry, version: int, against: int, report: queue.Report
) -> list[Comparison]:
    """Compare how recordings are kept to, piece by piece, all recordings together."""
    pilots = [*(load_version.load(registry, each)[1] for each in (against, version)), None]
    kept: list[list[log_replay_eval.Floats]] = [[], [], []]
    with held_out.held_out(settings.data_dir, registry, version) as held:
        for number, each in enumerate(held):
            report(phase="replay", drives=number, drives_total=len(held))
            road = stored_drive.rows_of(each.dataset, each.reader, each.rows, PIECE_S)
            if road is not None:
                for steer, into in zip(pilots, kept, strict=True):
                    into.append(log_replay_eval.kept_percent(road, steer))
    if not kept[0]:
        return []
    incumbent, candidate, blind = (np.concatenate(each) for each in kept)
    return [compare("recordings, held out", "kept to the path", candidate, incumbent, blind)]
