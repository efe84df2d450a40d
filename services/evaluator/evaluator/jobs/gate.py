"""The gate: compares a candidate with the current version in the same scenarios, and decides.

Drives in the simulator are paired by their starts. Log replays are paired by blocks of recorded
driving that the candidate was not trained on. docs/gate.md explains the rule and its limits.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from contract.dataset import store_catalog
from contract.files import disk_space
from contract.frames.spec import SHAPE
from contract.jobs import queue
from contract.models import journal, promotion
from contract.models.journal import Decision
from contract.models.registry import Registry
from contract.policy import load_version
from contract.policy.answer import output_count
from contract.settings import load
from evaluator.closed_loop import noninferiority, paired_drives
from evaluator.closed_loop.executors.choice import choose_executor
from evaluator.closed_loop.noninferiority import Comparison, Floats, OnRoad, PairedScores
from evaluator.offline import held_out, log_replay_eval, stored_drive
from evaluator.offline.lens.recorded_pose import measure_pose
from evaluator.offline.road.report import describe_drive, describe_road
from evaluator.offline.road.track import find_recorded_road
from evaluator.offline.stored_drive import StoredDrive
from evaluator.settings import Settings
from simulator.rendering.scene_preset import CameraPose

log = logging.getLogger(__name__)

GATE_BYTES: Final = 16 << 20
"""Bytes that the drives and the decision take at most."""
SEGMENT_S: Final = 4.0
"""Length of a segment of recorded driving; each begins on the path.

The shortest validation block lasts four gaps of a second."""
BLOCK_S: Final = 24.0
"""Length of a block of a recording: the pairs are blocks, because pieces within one are alike."""
HELD_OUT: Final = "recordings, held out"
NEW_TO_BOTH: Final = "recordings that neither version was trained on"


def run(version: int) -> dict[str, Any]:
    """Decide whether a version becomes the current one; RQ calls this in a process of its own.

    Returns:
        What `lapwing promote` shows: version, against, accepted, why, the comparisons, and the
        datasets that were left out because they cannot be read.

    Raises:
        LapwingError: a version is damaged, or a scenario cannot be driven.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    with disk_space.writing(settings.model_dir, "the gate", GATE_BYTES):
        decision = decide(settings, job_id, version, report)
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
    """Do the work of `run` for a job; repeat it if another version became current meanwhile."""
    registry = Registry(settings.model_dir)
    while True:
        with registry.current_version.lock():  # this also completes the change of a killed process
            against, decisions = registry.current(), registry.decisions()
        registry.verify(version)
        earlier = [decision for decision in decisions if decision.id == job_id]
        if earlier:
            return earlier[0]
        if against == version:
            return _current_decision(decisions, version)
        verdict, why = noninferiority.NO_WORSE, "there was no current version before it"
        evidence: dict[str, Any] = {}
        if against is not None:
            comparisons = [
                *compare_rollouts(settings, registry, version, against, report),
                *compare_log_replays(settings, registry, version, against, report),
            ]
            verdict, why = noninferiority.decide(comparisons)
            evidence = {
                "verdict": verdict,
                "comparisons": [comparison.document() for comparison in comparisons],
                "left_out": store_catalog.read_stores(settings.data_dir).unreadable,
            }
        accepted = verdict == noninferiority.NO_WORSE
        decision = promotion.decide(
            registry, version, against, job_id, why, evidence, accepted=accepted
        )
        if decision is not None:
            return decision
        log.info("version %s is no longer current: the comparison is repeated", against)


def _current_decision(decisions: Sequence[Decision], version: int) -> Decision:
    """Return the decision that made a version current, or a new one if the journal lacks it."""
    accepted = [
        decision for decision in decisions if decision.version == version and decision.accepted
    ]
    if accepted:
        return accepted[-1]
    return journal.decide(version, journal.FIRST, "it is already the current version", None)


def compare_rollouts(
    settings: Settings, registry: Registry, version: int, against: int, report: queue.Report
) -> list[Comparison]:
    """Compare two versions in the simulator, start by start.

    Returns:
        The comparison of their autonomy; and that of their pace, if the candidate has learned its
        speed and its autonomy is no worse.
    """
    return paired_drives.compare(
        registry,
        settings.gate_track,
        version,
        against,
        settings.gate_pairs,
        choose_executor(settings, report),
        report,
        pace=output_count(registry.manifest(version).config) == 2,
    )


def compare_log_replays(
    settings: Settings, registry: Registry, version: int, against: int, report: queue.Report
) -> list[Comparison]:
    """Compare how two versions keep to recorded paths, block by block of the recordings.

    Returns:
        The comparison on all rows that did not train the candidate, and that on the recordings
        which neither version was trained on, if they are not the same. Empty if there are no
        rows.
    """
    loaded = [load_version.load(registry, number) for number in (version, against)]
    # None stands for a constant steering of 0.
    policies = [*(steer for _, steer in loaded), None]
    # If one of the two was imported, it drives with more detail than a store keeps.
    imported = any(log_replay_eval.stored_frames_note(manifest) for manifest, _ in loaded)
    note = ", in frames of 128 x 128" if imported else ""
    names: list[str] = []
    scores: list[list[log_replay_eval.Floats]] = [[], [], []]
    new_to_both: set[str] = set()
    roads: dict[str, OnRoad] = {}
    with held_out.open_held_out(settings.data_dir, registry, version) as datasets:
        for number, rows in enumerate(datasets):
            report(phase="replay", drives=number, drives_total=len(datasets))
            drive = stored_drive.select_rows(rows.dataset, rows.reader, rows.rows, SEGMENT_S)
            if drive is None:
                continue
            pose = measure_pose(drive).pose
            limit_m = log_replay_eval.LIMITS_M[-1]
            offsets = [
                log_replay_eval.replay_stored(drive, steer, limit_m, pose).left_m
                for steer in policies
            ]
            whole = stored_drive.select_rows(rows.dataset, rows.reader, rows.rows)
            roads[rows.dataset] = _compare_on_road(whole or drive, drive, pose, offsets)
            for left_m, policy_scores in zip(offsets, scores, strict=True):
                kept = log_replay_eval.path_keeping_percent(drive, left_m)
                policy_scores.append(log_replay_eval.mean_by_block(drive, kept, BLOCK_S))
            names += [rows.dataset] * len(scores[0][-1])
            if all(
                held_out.is_new_to(registry, each, rows.dataset, rows.reader)
                for each in (version, against)
            ):
                new_to_both.add(rows.dataset)
    if not names:
        return []
    candidate, incumbent, blind = (np.concatenate(blocks) for blocks in scores)
    paired, new = PairedScores(np.array(names), candidate, incumbent), frozenset(new_to_both)
    compared = [noninferiority.compare_recordings(HELD_OUT + note, paired, blind, new, roads)]
    chosen = np.isin(paired.part, list(new))
    if chosen.any() and not chosen.all():
        compared.append(
            noninferiority.compare_recordings(
                NEW_TO_BOTH + note,
                PairedScores(paired.part[chosen], candidate[chosen], incumbent[chosen]),
                blind[chosen],
                new,
                roads,
            )
        )
    return compared


def _compare_on_road(
    whole: StoredDrive, pieces: StoredDrive, pose: CameraPose, offsets: Sequence[Floats]
) -> OnRoad:
    """Return how often the candidate, the incumbent and the recorded driver were off the road.

    Args:
        whole: the rows in one piece, in which the road can be followed.
        pieces: the same rows, or some of them, in pieces.
        pose: how the cameras stood.
        offsets: offset of each from the recorded path in the pieces, the candidate's first.
    """
    road = find_recorded_road(whole, pose, SHAPE).at(
        np.searchsorted(whole.row_numbers, pieces.row_numbers)
    )
    described = describe_road(road)
    candidate, incumbent = (describe_drive(road, left_m) for left_m in offsets[:2])
    return {
        "found_percent": described["found_percent"],
        "driver_off_road_percent": described["driver_off_road_percent"],
        "candidate_off_road_percent": candidate["off_road_percent"],
        "incumbent_off_road_percent": incumbent["off_road_percent"],
    }
