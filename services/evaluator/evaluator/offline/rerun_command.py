"""The command `rerun`: drivers along recordings, their table, plot and film."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from contract.errors import SettingError
from contract.models.registry import Registry
from contract.policy import load_version
from contract.vehicle import MPS_PER_MPH
from evaluator.offline import logged_drive, output, path_plot, replay_policies
from evaluator.offline.log_replay import Moment, Rerun
from evaluator.offline.log_replay import rerun as drive
from evaluator.offline.logged_drive import Recorded
from evaluator.offline.path_quality import Reference, judge
from evaluator.offline.replay_policies import Policy
from evaluator.offline.view_warp import Lens
from evaluator.offline.virtual_car import yaw_rad_s
from simulator.cli.output import document, progress
from simulator.viz.episode_video import EpisodeVideo
from simulator.viz.track_plot import write_png

MODELS: Final = Path("lapwing-data/models")
MOST_LIMITS: Final = 5


def rerun(
    recordings: Annotated[list[Path], typer.Argument(help="Folders, zips or tars.")],
    policy: Annotated[
        str, typer.Option(help=", ".join((*replay_policies.SEEING, *replay_policies.BLIND)) + ".")
    ] = "model",
    model: Annotated[
        int | None, typer.Option(min=1, help="Version; default: the current one.")
    ] = None,
    models: Annotated[
        Path, typer.Option(envvar="LAPWING_MODEL_DIR", help="The registry's folder.")
    ] = MODELS,
    limit: Annotated[
        str, typer.Option(help="Offsets, m, beyond which the car is put back; a drive each.")
    ] = "1,3",
    plot: Annotated[
        Path | None, typer.Option(help="A .png of the drive at the first limit.")
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="An .mp4 of the drive at the first limit.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of shuffled frames.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = (
        False
    ),
) -> None:
    """Drive along recordings again: the model steers a virtual car, and sees what it would see."""
    limits = limits_of(limit)
    _check(plot, video, len(recordings))
    if policy in replay_policies.BLIND and model is not None:
        raise SettingError(
            "this policy asks no model",
            got=f"--policy {policy} --model {model}",
            remedy="Leave one of the two out",
        )
    steer, driver = None, policy
    if policy in replay_policies.SEEING:
        manifest, steer = load_version.load(Registry(models), model)
        driver = f"{policy}, version {manifest.version}"
    lens, found = Lens(), []
    for path in recordings:
        with logged_drive.opened(path) as sources:
            _check(plot, video, len(sources))
            for source in sources:
                road = logged_drive.of(source)
                chosen = replay_policies.policy(policy, road, steer, seed)
                done = _drives(road, chosen, limits, lens, video)
                if plot is not None:
                    plot.parent.mkdir(parents=True, exist_ok=True)
                    write_png(plot, chart(road, done[0], driver))
                found.append((road, judge(road), done))
    if as_json:
        document([_document(road, fit, driver, done) for road, fit, done in found])
    else:
        output.reruns(driver, found, [each for each in (plot, video) if each is not None])


def limits_of(text: str) -> list[float]:
    """Return the numbers of "1,3", metres.

    Raises:
        SettingError: it is anything else.
    """
    try:
        values = [float(each) for each in text.split(",")]
    except ValueError:
        values = []
    if not 1 <= len(values) <= MOST_LIMITS or not all(0.1 <= each <= 20 for each in values):
        raise SettingError(
            "--limit has a value it cannot take",
            got=repr(text),
            remedy=f"Write up to {MOST_LIMITS} numbers from 0.1 to 20 metres, such as 1,3",
        )
    return values


def _check(plot: Path | None, video: Path | None, count: int) -> None:
    """Refuse to draw or film what cannot be.

    Raises:
        SettingError: there are several recordings, or a file's name has another ending.
    """
    for path, suffix in ((plot, ".png"), (video, ".mp4")):
        if path is not None and (count > 1 or path.suffix != suffix):
            raise SettingError(
                f"{path} cannot be made",
                got=f"{count} recordings",
                remedy=f"Name one recording, and a file that ends in {suffix}",
            )


def _drives(
    road: Recorded, policy: Policy, limits: list[float], lens: Lens, video: Path | None
) -> list[Rerun]:
    """Drive along a recording once a limit; film the first drive."""
    done: list[Rerun] = []
    with progress(road.name) as told, ExitStack() as stack:
        for number, metres in enumerate(limits):
            shown: Callable[[Moment], None] = _unseen
            if video is not None and number == 0:
                shown = partial(_add, stack.enter_context(_film(video, road)), road)
            on_share = partial(_tell, told, number, len(limits))
            done.append(drive(road, policy, metres, lens, shown, on_share))
    return done


def _film(path: Path, road: Recorded) -> EpisodeVideo:
    path.parent.mkdir(parents=True, exist_ok=True)
    apart = np.diff(road.time_s)
    return EpisodeVideo(path, max(1, round(1 / float(np.median(apart)))) if apart.any() else 15)


def _unseen(moment: Moment) -> None:
    """Film nothing: the picture is not even warped for it."""


def _tell(told: Callable[[float], None], before: int, drives: int, share: float) -> None:
    told((before + share) / drives)


def _add(film: EpisodeVideo, road: Recorded, moment: Moment) -> None:
    film.add(
        moment.look(),
        moment.steering,
        0.0,
        float(road.speed_mps[moment.row]) / MPS_PER_MPH,
        moment.left_m,
        float(road.time_s[moment.row]),
        "put back on the recorded path" if moment.intervened else "",
    )


def chart(road: Recorded, done: Rerun, driver: str) -> NDArray[np.uint8]:
    """Draw a drive along a recording; see deviation.chart."""
    yaw = np.array(
        [
            yaw_rad_s(float(steering), float(speed))
            for steering, speed in zip(road.steering, road.speed_mps, strict=True)
        ]
    )
    # As if what was driven had followed on: nobody knows where the car went in a pause.
    driven_s = np.concatenate([[0.0], np.cumsum(road.held_s()[:-1])])
    place, heading = path_plot.path(driven_s, yaw, road.speed_mps)
    rows = np.array([each.row for each in done.interventions], dtype=np.int64)
    facts = (
        f"autonomy {done.autonomy_percent:.1f} %  ·  {len(rows)} interventions beyond "
        f"{done.limit_m:g} m in {done.elapsed_s:.0f} s  ·  off the path by {done.rmse_m:.2f} m "
        "(root mean square)"
    )
    return path_plot.chart(
        place,
        heading,
        driven_s,
        done.left_m,
        done.limit_m,
        rows,
        f"{road.name}: {driver}",
        facts,
    )


def _document(
    road: Recorded, reference: Reference, driver: str, done: list[Rerun]
) -> dict[str, Any]:
    return {
        "recording": road.name,
        "rows": len(road.time_s),
        "left_out": road.left_out,
        "nominal_time": road.nominal,
        "cameras": road.cameras,
        "driver": driver,
        "reference": {
            "swinging": reference.swinging,
            "slipping": reference.slipping,
            "unfit": list(reference.reasons),
        },
        "drives": [each.document() for each in done],
    }
