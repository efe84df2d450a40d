"""What came of a drive, and of many: as values, as a document, as rows to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from contract.vehicle import MPS_PER_MPH
from simulator.episode.metrics import Metrics, autonomy_percent, measure, wilson
from simulator.episode.trajectory import Intervention, Trace

NONE: Final = "-"


@dataclass(frozen=True)
class Conditions:
    """Under which a car was driven."""

    track: str
    direction: int
    """1 along the stations, -1 against them."""
    light: str
    seed: int
    """Of the world's looks."""
    laps: float
    """To be driven."""
    station_m: float = 0.0
    """Where the drive began."""
    lateral_m: float = 0.0
    """From the line that people drive, positive to the left."""

    def __str__(self) -> str:
        """Return them as a line to read."""
        way = "forwards" if self.direction > 0 else "backwards"
        return (
            f"{self.track} {way}, {self.light}, seed {self.seed}, "
            f"from {self.station_m:.0f} m, {self.lateral_m:+.2f} m off the line"
        )


@dataclass(frozen=True)
class Outcome:
    """Of one drive."""

    conditions: Conditions
    laps_done: int
    """Whole ones."""
    lap_times_s: tuple[float, ...]
    elapsed_s: float
    distance_m: float
    interventions: tuple[Intervention, ...]
    metrics: Metrics
    finished: bool
    """All laps were driven; not so where the time was up before."""

    @property
    def success(self) -> bool:
        """All laps were driven and nobody had to help."""
        return self.finished and not self.interventions

    @property
    def mean_speed_mph(self) -> float | None:
        """Along the centre line."""
        return self.distance_m / self.elapsed_s / MPS_PER_MPH if self.elapsed_s > 0 else None

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; what is not defined is null."""
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
                {**asdict(each), "reason": each.reason.value} for each in self.interventions
            ],
            "metrics": asdict(self.metrics),
        }


def outcome(conditions: Conditions, trace: Trace) -> Outcome:
    """Return what came of a drive that was seen as `trace`."""
    return Outcome(
        conditions=conditions,
        laps_done=trace.laps_done,
        lap_times_s=trace.lap_times_s,
        elapsed_s=trace.elapsed_s,
        distance_m=trace.distance_m,
        interventions=trace.interventions,
        metrics=measure(
            trace.time_s,
            trace.lane_error_m,
            trace.off_road,
            trace.steering,
            len(trace.interventions),
            trace.distance_m,
        ),
        finished=trace.complete,
    )


@dataclass(frozen=True)
class Evaluation:
    """Of one driver over several drives."""

    outcomes: tuple[Outcome, ...]

    @property
    def count(self) -> int:
        """Drives."""
        return len(self.outcomes)

    @property
    def successes(self) -> int:
        """Drives that needed nobody."""
        return sum(each.success for each in self.outcomes)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %, of the probability that a drive succeeds."""
        return wilson(self.successes, self.count)

    @property
    def interventions(self) -> int:
        """Of all drives."""
        return sum(len(each.interventions) for each in self.outcomes)

    @property
    def autonomy_percent(self) -> float | None:
        """Over the time of all drives."""
        return autonomy_percent(self.interventions, sum(each.elapsed_s for each in self.outcomes))

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it, each drive included."""
        return {
            "drives": self.count,
            "successes": self.successes,
            "success_interval_95": list(self.interval),
            "interventions": self.interventions,
            "autonomy_percent": self.autonomy_percent,
            "outcomes": [each.document() for each in self.outcomes],
        }


def rows(drive: Outcome) -> list[tuple[str, str]]:
    """Return a drive as names and values for a table."""
    measures = drive.metrics
    per = measures.distance_per_intervention_m
    if per is None and drive.elapsed_s > 0:
        distance = f"none in {drive.distance_m:,.0f} m"
    else:
        distance = _written(per, ",.0f", " m")
    share = None if measures.off_road_share is None else 100 * measures.off_road_share
    return [
        ("drive", str(drive.conditions)),
        ("result", _result(drive)),
        ("lap times", ", ".join(f"{each:.1f} s" for each in drive.lap_times_s) or NONE),
        ("time, distance", f"{drive.elapsed_s:.1f} s, {drive.distance_m:,.0f} m"),
        ("mean speed", _written(drive.mean_speed_mph, ".1f", " mph")),
        ("autonomy", _written(measures.autonomy_percent, ".1f", " %")),
        ("distance per intervention", distance),
        ("lateral error: mean", _written(measures.lateral_mae_m, ".2f", " m")),
        ("lateral error: root mean square", _written(measures.lateral_rmse_m, ".2f", " m")),
        ("lateral error: largest", _written(measures.lateral_max_m, ".2f", " m")),
        ("time with a wheel off the road", _written(share, ".1f", " %")),
        ("steering whiteness", _written(measures.whiteness_per_s, ".2f", " /s")),
        *(
            (f"put back at {each.time_s:.1f} s", f"{each.reason}, at {each.station_m:.0f} m")
            for each in drive.interventions
        ),
    ]


def summary(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return many drives as names and values for a table: the whole, then each failure."""
    low, high = evaluation.interval
    return [
        ("successes", f"{evaluation.successes} of {evaluation.count}"),
        ("95 % interval (Wilson)", f"{100 * low:.1f} to {100 * high:.1f} %"),
        ("interventions", str(evaluation.interventions)),
        ("autonomy", _written(evaluation.autonomy_percent, ".1f", " %")),
        *(
            (f"failed: drive {number}", f"{each.conditions}: {_result(each)}")
            for number, each in enumerate(evaluation.outcomes, 1)
            if not each.success
        ),
    ]


def _result(drive: Outcome) -> str:
    wanted = f"{drive.conditions.laps:g}"
    done = wanted if drive.finished else f"{drive.laps_done}"
    laps = f"{done} of {wanted} laps" + ("" if drive.finished else ", not finished")
    helped = len(drive.interventions)
    return f"{laps}, {helped} intervention{'' if helped == 1 else 's'}"


def _written(value: float | None, form: str, unit: str) -> str:
    return NONE if value is None else f"{value:{form}}{unit}"
