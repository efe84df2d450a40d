"""The command `rerun`: drives along recordings, and prints a table or writes a plot or video."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from contract import printing
from contract.errors import SettingError
from contract.models.registry import Registry
from contract.policy import load_version
from contract.vehicle import MPS_PER_MPH
from evaluator.offline import logged_drive, output, replay_policies
from evaluator.offline.lens.recorded_pose import RecordedPose, measure_pose
from evaluator.offline.log_replay import LogReplayResult, ReplayStep, replay_log
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.output import Replay
from evaluator.offline.path_plot import draw_replay
from evaluator.offline.path_quality import assess
from evaluator.offline.replay_policies import Policy
from evaluator.offline.road.track import RoadTrack, find_recorded_road
from evaluator.offline.view_warp import PREFAB, ViewWarp
from simulator.calibration.preset import read_preset
from simulator.viz.episode_video import EpisodeVideo

DEFAULT_MODELS: Final = Path("lapwing-data/models")
MAX_LIMITS: Final = 5
POLICIES_HELP: Final = (
    "Driver: "
    + ", ".join((*replay_policies.WITH_MODEL, *replay_policies.WITHOUT_MODEL))
    + ". Only the first two use the model."
)


def rerun(
    recordings: Annotated[
        list[Path],
        typer.Argument(readable=False, help="Recordings: folders, zip files or tar files."),
    ],
    policy: Annotated[str, typer.Option(help=POLICIES_HELP)] = "model",
    model: Annotated[
        int | None,
        typer.Option(min=1, help="Version of the model. Default: the current version."),
    ] = None,
    models: Annotated[
        Path, typer.Option(envvar="LAPWING_MODEL_DIR", help="Folder of the model registry.")
    ] = DEFAULT_MODELS,
    limit: Annotated[
        str,
        typer.Option(
            help="Largest offset from the recorded path, in metres. Beyond it the car is put back. "
            "With several numbers, the recording is driven once for each."
        ),
    ] = "1,3",
    plot: Annotated[
        Path | None,
        typer.Option(help="Write a plot of the drive at the first limit to this .png file."),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(help="Write a video of the drive at the first limit to this .mp4 file."),
    ] = None,
    road: Annotated[
        bool,
        typer.Option(
            help="Find the road in the images, and say how often the car left it. This takes most "
            "of the time."
        ),
    ] = True,
    preset: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Preset whose pose the cameras have: a file that `lapwing sim calibrate` wrote. "
            "Default: as the recording's own pictures tell it.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the random order of the policy `shuffled`.")
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of a table.")
    ] = False,
) -> None:
    """Drive along recordings: the model steers a virtual car and sees the view from it."""
    limits = parse_limits(limit)
    _check_files(plot, video, len(recordings))
    if policy in replay_policies.WITHOUT_MODEL and model is not None:
        raise SettingError(
            "this policy does not use a model",
            got=f"--policy {policy} --model {model}",
            remedy="Leave one of the two out",
        )
    steer, driver = None, policy
    if policy in replay_policies.WITH_MODEL:
        manifest, steer = load_version.load(Registry(models), model)
        driver = f"{policy}, version {manifest.version}"
    told = RecordedPose(read_preset(preset).camera, str(preset)) if preset is not None else None
    # A driver who does not look needs no picture, nor the pose of the cameras that took it.
    looks = steer is not None or road or video is not None
    replays = list[Replay]()
    for path in recordings:
        with logged_drive.open_recordings(path) as sources:
            _check_files(plot, video, len(sources))
            for source in sources:
                drive = logged_drive.read_recording(source)
                pose = (told or measure_pose(drive)) if looks else None
                warp = ViewWarp(pose=pose.pose if pose else PREFAB)
                driving_policy = replay_policies.make_policy(policy, drive, steer, seed)
                results = _replay_at_limits(drive, driving_policy, limits, warp, video)
                if plot is not None:
                    plot.parent.mkdir(parents=True, exist_ok=True)
                    draw_replay(plot, drive, results[0], driver)
                track = _find_road(drive, pose) if road and pose else None
                replays.append(Replay(drive, assess(drive), results, track, pose))
    if as_json:
        printing.print_json([{**replay.document(), "driver": driver} for replay in replays])
    else:
        output.print_replays(driver, replays, [path for path in (plot, video) if path is not None])


def parse_limits(text: str) -> list[float]:
    """Return the numbers of a text such as "1,3", metres.

    Raises:
        SettingError: the text is something else.
    """
    try:
        limits = [float(number) for number in text.split(",")]
    except ValueError:
        limits = []
    if not 1 <= len(limits) <= MAX_LIMITS or not all(0.1 <= limit <= 20 for limit in limits):
        raise SettingError(
            "--limit has a value it cannot take",
            got=repr(text),
            remedy=f"Write up to {MAX_LIMITS} numbers from 0.1 to 20 metres, such as 1,3",
        )
    return limits


def _check_files(plot: Path | None, video: Path | None, count: int) -> None:
    """Refuse a plot or video of several recordings, or whose name has the wrong ending.

    Raises:
        SettingError: one of the files cannot be written.
    """
    for path, suffix in ((plot, ".png"), (video, ".mp4")):
        if path is not None and (count > 1 or path.suffix != suffix):
            raise SettingError(
                f"{path} cannot be written",
                got=f"{count} recordings",
                remedy=f"Name one recording, and a file that ends in {suffix}",
            )


def _replay_at_limits(
    drive: LoggedDrive, policy: Policy, limits: list[float], warp: ViewWarp, video: Path | None
) -> list[LogReplayResult]:
    """Drive along a recording once for each limit, and film the first drive."""
    results: list[LogReplayResult] = []
    with printing.progress_bar(drive.name) as set_share, ExitStack() as stack:
        on_step: Callable[[ReplayStep], None] = _ignore_step
        if video is not None:
            on_step = _film_into(stack.enter_context(_open_video(video, drive)), drive)

        def on_progress(share: float) -> None:
            set_share((len(results) + share) / len(limits))

        for limit_m in limits:
            results.append(replay_log(drive, policy, limit_m, warp, on_step, on_progress))
            on_step = _ignore_step
    return results


def _find_road(drive: LoggedDrive, pose: RecordedPose) -> RoadTrack:
    with printing.progress_bar(f"{drive.name}: the road") as set_share:
        return find_recorded_road(drive, pose.pose, on_progress=set_share)


def _open_video(path: Path, drive: LoggedDrive) -> EpisodeVideo:
    """Open a video that plays as fast as the recording was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    intervals_s = np.diff(drive.time_s)
    rate = max(1, round(1 / float(np.median(intervals_s)))) if intervals_s.any() else 15
    return EpisodeVideo(path, rate)


def _ignore_step(step: ReplayStep) -> None:
    """Do nothing, so that the view is not even warped."""


def _film_into(film: EpisodeVideo, drive: LoggedDrive) -> Callable[[ReplayStep], None]:
    """Return the function that adds each step of a replay to a video."""

    def add_step(step: ReplayStep) -> None:
        film.add(
            step.view(),
            step.steering,
            0.0,
            float(drive.speed_mps[step.row]) / MPS_PER_MPH,
            step.left_m,
            float(drive.time_s[step.row]),
            "put back on the recorded path" if step.intervened else "",
        )

    return add_step
