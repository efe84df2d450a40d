"""Prints the results of the commands `rerun` and `score`, for people or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import printing
from evaluator.offline.lens.recorded_pose import RecordedPose
from evaluator.offline.log_replay import LogReplayResult
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.path_quality import PathQuality
from evaluator.offline.road import report as road_report
from evaluator.offline.road.track import RoadTrack


@dataclass(frozen=True)
class Replay:
    """The drives along one recording, and what is known of its path and its road."""

    drive: LoggedDrive
    quality: PathQuality
    results: Sequence[LogReplayResult]
    """One for each limit."""
    road: RoadTrack | None
    """None if it was not asked for."""
    pose: RecordedPose | None
    """How its cameras stood; None if no picture was looked at."""

    def document(self) -> dict[str, Any]:
        """Return the replay as a JSON document."""
        return {
            "recording": self.drive.name,
            "rows": len(self.drive.time_s),
            "left_out": self.drive.left_out,
            "nominal_time": self.drive.nominal,
            "cameras": self.drive.camera_count,
            "reference": self.quality.document(),
            "road": road_report.describe_road(self.road) if self.road else None,
            "cameras_pose": self.pose.document() if self.pose else None,
            "drives": [result.document(self.road) for result in self.results],
        }


def print_replays(driver: str, replays: Sequence[Replay], written: Sequence[Path]) -> None:
    """Print log replays as a table, the problems of each recording, and the files written."""
    console = printing.message_console()
    printing.print_line(console, (driver, "italic"))
    table = printing.wide_table(
        "recording",
        "driven",
        "limit",
        "autonomy",
        "interventions",
        "offset (RMS)",
        "about its median",
        "off the road",
    )
    for replay in replays:
        for result in replay.results:
            table.add_row(
                replay.drive.name,
                f"{result.elapsed_s:.0f} s",
                f"{result.limit_m:g} m",
                f"{result.autonomy_percent:.1f} %",
                f"{len(result.interventions)}",
                f"{result.rmse_m:.2f} m",
                f"{result.steady_offset_m()[1]:.2f} m",
                _describe_times_off_road(replay.road, result),
            )
    printing.print_unwrapped(console, table)
    for replay in replays:
        drive = replay.drive
        problems = replay.quality.problems
        notes = [f"the path is unfit for comparison: {problem}" for problem in problems]
        if replay.road is not None:
            notes.append(_describe_road(road_report.describe_road(replay.road)))
        if replay.pose is not None:
            notes.append(str(replay.pose))
        if drive.camera_count == 1:
            notes.append("it has the centre camera only, so views from a side are warped further")
        if drive.nominal:
            notes.append("it has file names without a time; their rows count as 1/15 s apart")
        if drive.left_out:
            notes.append(f"{drive.left_out} lines were left out")
        for note in notes:
            printing.print_line(console, f"{drive.name}: {note}")
    for path in written:
        printing.print_line(console, f"wrote {path}")


def _describe_times_off_road(road: RoadTrack | None, result: LogReplayResult) -> str:
    if road is None:
        return "–"
    times = road_report.describe_drive(road, result.left_m)["times_off_road"]
    return "–" if times is None else str(times)


def _describe_road(road: Mapping[str, Any]) -> str:
    found = f"the road was found in {road['found_percent']:.0f} % of the rows"
    if road["driver_left_m"] is None:
        return f"{found}, which is too few to say where the car was on it"
    left_m = road["driver_left_m"]
    side = "left" if left_m > 0 else "right"
    return (
        f"{found}, {road['width_m']:g} m wide; its driver kept {abs(left_m):.1f} m to the {side} "
        f"of the middle (± {road['std_m']:.1f} m), and was off the road in "
        f"{road['driver_off_road_percent']:.1f} % of them"
    )


def print_scores(version: int, documents: Sequence[Mapping[str, Any]]) -> None:
    """Print a model's open-loop errors beside those of the baselines."""
    console = printing.message_console()
    for document in documents:
        score = document["score"]
        held_out = " that were held out" if document["held_out"] else ""
        title = f"{document['recording']}, {score['rows']:.0f} rows{held_out}"
        printing.print_line(console, (title, "italic"))
        table = printing.wide_table("", "MSE", "MAE")
        for label, ending in (
            (f"version {version}", ""),
            ("predict zero", "_zero"),
            ("hold last", "_hold"),
        ):
            mse, mae_deg = score[f"mse{ending}"], score[f"mae{ending}_deg"]
            table.add_row(label, f"{mse:.4f}", f"{mae_deg:.2f}°")
        printing.print_unwrapped(console, table)
        names = ("skill", "correlation", "correlation_smoothed")
        skill, correlation, smoothed = (
            "–" if score[name] is None else f"{score[name]:.2f}" for name in names
        )
        lines = [
            f"skill {skill}, bias {score['bias_deg']:+.2f}°, correlation {correlation}, with the "
            f"smoothed label {smoothed}",
            f"gain on the smoothed label {_gain(score['gain'])}, by its steering: "
            + ", ".join(
                f"{part['from']:+.2f} to {part['to']:+.2f} {_gain(part['gain'])}"
                for part in score["gain_by_bin"]
            ),
        ]
        if document.get("speed"):
            speed = document["speed"]
            lines.append(
                f"speed: RMSE {speed['speed_rmse_mph']:.2f} mph in {speed['speed_rows']:.0f} rows, "
                f"bias {speed['speed_bias_mph']:+.2f} mph; always its mean: "
                f"{speed['speed_rmse_mean_mph']:.2f} mph"
            )
        lines += [
            f"recorded {part['from']:+.2f} to {part['to']:+.2f}, {part['rows']:.0f} rows: "
            f"MAE {part['mae_deg']:.1f}°, bias {part['bias_deg']:+.1f}°"
            for part in document["by_bin"]
        ]
        lines += [
            f"{part['camera']} camera: the prediction is {part['correction']:+.3f} from the "
            "centre's"
            for part in document["by_camera"][1:]
        ]
        for line in (*lines, f"overlap with training: {document['leak']['says']}"):
            printing.print_line(console, f"  {line}")


def _gain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
