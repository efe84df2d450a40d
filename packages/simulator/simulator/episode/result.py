"""Holds the results of one drive and of several, as values, as JSON and as rows of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from contract.vehicle import MPS_PER_MPH
from simulator.episode.metrics import (
    DriveMetrics,
    autonomy_percent,
    compute_metrics,
    wilson_interval,
)
from simulator.episode.trajectory import Intervention, Trajectory

UNDEFINED: Final = "-"


@dataclass(frozen=True)
class Conditions:
    """Conditions under which a car was driven."""

    track: str
    direction: int
    """1 to drive with increasing stations, -1 to drive against them."""
    light: str
    seed: int
    """Seed of the world's appearance."""
    laps: float
    """Requested laps."""
    station_m: float = 0.0
    """Station at which the drive began."""
    lateral_m: float = 0.0
    """Offset from the driving line at the start, positive to the left."""

    def __str__(self) -> str:
        """Return the conditions as a line of text."""
        direction = "forwards" if self.direction > 0 else "backwards"
        return (
            f"{self.track} {direction}, {self.light}, seed {self.seed}, "
            f"from {self.station_m:.0f} m, {self.lateral_m:+.2f} m off the line"
        )


@dataclass(frozen=True)
class EpisodeResult:
    """Result of one drive."""

    conditions: Conditions
    laps_done: int
    """Number of whole laps."""
    lap_times_s: tuple[float, ...]
    elapsed_s: float
    distance_m: float
    interventions: tuple[Intervention, ...]
    metrics: DriveMetrics
    finished: bool
    """Whether all laps were driven before the time limit."""

    @property
    def success(self) -> bool:
        """Whether all laps were driven without an intervention."""
        return self.finished and not self.interventions

    @property
    def mean_speed_mph(self) -> float | None:
        """Mean speed along the centre line."""
        return self.distance_m / self.elapsed_s / MPS_PER_MPH if self.elapsed_s > 0 else None

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document; an undefined value is null."""
        return {
            **asdict(self.conditions),
            "success": self.success,
            "finished": self.finished,
            "laps_done": self.laps_done,
            "lap_times_s": list(self.lap_times_s),
            "elapsed_s": self.elapsed_s,
            "distance_m": self.distance_m,
            "mean_speed_mph": self.mean_speed_mph,
            "interventions": [
                {**asdict(event), "reason": event.reason.value} for event in self.interventions
            ],
            "metrics": asdict(self.metrics),
        }


def summarize_episode(conditions: Conditions, trajectory: Trajectory) -> EpisodeResult:
    """Return the result of a drive under some conditions along a trajectory."""
    return EpisodeResult(
        conditions=conditions,
        laps_done=trajectory.laps_done,
        lap_times_s=trajectory.lap_times_s,
        elapsed_s=trajectory.elapsed_s,
        distance_m=trajectory.distance_m,
        interventions=trajectory.interventions,
        metrics=compute_metrics(
            trajectory.time_s,
            trajectory.lane_error_m,
            trajectory.off_road,
            trajectory.steering,
            len(trajectory.interventions),
            trajectory.distance_m,
        ),
        finished=trajectory.complete,
    )


@dataclass(frozen=True)
class EvaluationResult:
    """Results of several drives of one driver."""

    episodes: tuple[EpisodeResult, ...]

    @property
    def count(self) -> int:
        """Number of drives."""
        return len(self.episodes)

    @property
    def successes(self) -> int:
        """Number of drives that succeeded."""
        return sum(episode.success for episode in self.episodes)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the probability that a drive succeeds."""
        return wilson_interval(self.successes, self.count)

    @property
    def interventions(self) -> int:
        """Number of interventions in all drives."""
        return sum(len(episode.interventions) for episode in self.episodes)

    @property
    def autonomy_percent(self) -> float | None:
        """Autonomy over the total time of all drives."""
        total_s = sum(episode.elapsed_s for episode in self.episodes)
        return autonomy_percent(self.interventions, total_s)

    def document(self) -> dict[str, Any]:
        """Return the results as a JSON document that includes each drive."""
        return {
            "drives": self.count,
            "successes": self.successes,
            "success_interval_95": list(self.interval),
            "interventions": self.interventions,
            "autonomy_percent": self.autonomy_percent,
            "outcomes": [episode.document() for episode in self.episodes],
        }


def episode_rows(episode: EpisodeResult) -> list[tuple[str, str]]:
    """Return names and values of one drive for a table."""
    metrics = episode.metrics
    per_intervention_m = metrics.distance_per_intervention_m
    if per_intervention_m is None and episode.elapsed_s > 0:
        distance = f"none in {episode.distance_m:,.0f} m"
    else:
        distance = _format(per_intervention_m, ",.0f", " m")
    off_road_percent = None if metrics.off_road_share is None else 100 * metrics.off_road_share
    lap_times = ", ".join(f"{seconds:.1f} s" for seconds in episode.lap_times_s)
    return [
        ("drive", str(episode.conditions)),
        ("result", _describe(episode)),
        ("lap times", lap_times or UNDEFINED),
        ("time, distance", f"{episode.elapsed_s:.1f} s, {episode.distance_m:,.0f} m"),
        ("mean speed", _format(episode.mean_speed_mph, ".1f", " mph")),
        ("autonomy", _format(metrics.autonomy_percent, ".1f", " %")),
        ("distance per intervention", distance),
        ("lateral error: mean", _format(metrics.lateral_mae_m, ".2f", " m")),
        ("lateral error: root mean square", _format(metrics.lateral_rmse_m, ".2f", " m")),
        ("lateral error: largest", _format(metrics.lateral_max_m, ".2f", " m")),
        ("time with a wheel off the road", _format(off_road_percent, ".1f", " %")),
        ("steering whiteness", _format(metrics.whiteness_per_s, ".2f", " /s")),
        *(
            (f"put back at {event.time_s:.1f} s", f"{event.reason}, at {event.station_m:.0f} m")
            for event in episode.interventions
        ),
    ]


def evaluation_rows(evaluation: EvaluationResult) -> list[tuple[str, str]]:
    """Return names and values of several drives for a table: first the totals, then failures."""
    low, high = evaluation.interval
    return [
        ("successes", f"{evaluation.successes} of {evaluation.count}"),
        ("95 % interval (Wilson)", f"{100 * low:.1f} to {100 * high:.1f} %"),
        ("interventions", str(evaluation.interventions)),
        ("autonomy", _format(evaluation.autonomy_percent, ".1f", " %")),
        *(
            (f"failed: drive {number}", f"{episode.conditions}: {_describe(episode)}")
            for number, episode in enumerate(evaluation.episodes, 1)
            if not episode.success
        ),
    ]


def _describe(episode: EpisodeResult) -> str:
    requested = f"{episode.conditions.laps:g}"
    done = requested if episode.finished else f"{episode.laps_done}"
    laps = f"{done} of {requested} laps" + ("" if episode.finished else ", not finished")
    count = len(episode.interventions)
    return f"{laps}, {count} intervention{'' if count == 1 else 's'}"


def _format(value: float | None, form: str, unit: str) -> str:
    return UNDEFINED if value is None else f"{value:{form}}{unit}"
