"""Compares recipes of training by how they drive: trained on lake, driven on other recordings.

python -m bench.training.recipes --out FILE

The recipes combine corrections of the side cameras with labels as recorded, smoothed, balanced and
both, with three seeds each; all are shown about the same number of samples. Some are repeated with
moved views (augmentation/variation.py) and with another recovery time.

The recipes of the second part (`--only "recipe 2"`) start from today's defaults and change one or
two things: averaged weights, a learning rate that falls, appearance, laps of the simulator. All of
them train the same number of epochs, and the last one drives.

Each drives along recordings in closed loop (docs/rerun.md). FILE holds one line of JSON for each
training; a training that it holds is not repeated. docs/adr/0009-recipe.md tells the results.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import output
from bench.recordings import DATA
from bench.training import job
from contract.dataset.path_fitness import MIN_MOVING_MPS
from contract.recordings import reserved_names
from evaluator.jobs import record
from evaluator.offline import logged_drive, replay_policies
from evaluator.offline.lens.recorded_pose import measure_pose
from evaluator.offline.log_replay import replay_log
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.view_warp import ViewWarp
from simulator.episode.metrics import INTERVENTION_COST_S
from simulator.track.catalog import load_track

SEEDS = (1, 2, 3)
LEARNED, DRIVEN, OTHER, LAP = "lake", "lake-2", "jungle", "lake-3"
LIMITS_M = (1.0, 3.0)
OFF_THE_ROAD_S = 55.8
"""Time in lake-2 at which its driver leaves the road to the left, and stops on the grass."""
MOVED = "moved"
CORRECTIONS: tuple[float | str, ...] = (0.1, 0.2, 0.25, "auto")
# Epochs make up for the rows that balancing leaves out: each is shown some 6,600 samples.
LABELS: dict[str, dict[str, float]] = {
    "plain": {"epochs": 1, "label_smoothing_s": 0.0, "max_bin_ratio": 0.0},
    "smoothed": {"epochs": 1, "label_smoothing_s": 0.6, "max_bin_ratio": 0.0},
    "balanced": {"epochs": 4, "label_smoothing_s": 0.0, "max_bin_ratio": 1.0},
    "both": {"epochs": 2, "label_smoothing_s": 0.6, "max_bin_ratio": 1.0},
}
NEITHER: dict[str, Any] = {
    "brightness": 0.0,
    "shadow": 0.0,
    "blur": 0.0,
    "shift_m": 0.0,
    "turn_deg": 0.0,
}
"""Options that the first part turns off."""
SECOND = "recipe 2"
LAPS = "simulated_laps"
"""Option of the benchmark: number of simulated laps that are trained on as well."""
EPOCHS = {"epochs": 5, "publish_epoch": "last"}
SECOND_PART: dict[str, dict[str, Any]] = {
    "as it is": {},
    "averaged": {"averaging_epochs": 1.0},
    "cosine": {"learning_rate_schedule": "cosine"},
    "averaged, cosine": {"averaging_epochs": 1.0, "learning_rate_schedule": "cosine"},
    "light, shadow, blur": {"brightness": 0.4, "shadow": 0.4, "blur": 0.3},
    "with simulator": {LAPS: 4},
    "averaged, with simulator": {"averaging_epochs": 1.0, LAPS: 4},
}


def recipes() -> dict[str, dict[str, Any]]:
    """Return the options of each recipe by its name."""
    found: dict[str, dict[str, Any]] = {}
    for correction in CORRECTIONS:
        for labels, options in LABELS.items():
            found[f"{correction} {labels}"] = {
                "steering_correction": correction,
                "recovery_time_s": 0.6,
                "batch": 32,
                **options,
                **NEITHER,
            }
    found["auto in 1 s both"] = {**found["auto both"], "recovery_time_s": 1.0}
    for name in ("auto both", "auto in 1 s both", "auto smoothed", "0.25 smoothed"):
        found[f"{name} {MOVED}"] = {**found[name], "shift_m": 1.0, "turn_deg": 4.0}
    for name, options in SECOND_PART.items():
        found[f"{SECOND}: {name}"] = {**EPOCHS, **options}
    return found


def main() -> int:
    """Run the trainings that were asked for and are missing, and show all of them."""
    asked = output.arguments(__doc__)
    asked.add_argument("--out", type=Path, required=True, help="a file of JSON lines")
    asked.add_argument("--only", default="", help="names of recipes that contain this")
    asked.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    chosen = asked.parse_args()
    done = _read(chosen.out)
    there = {(each["recipe"], each["seed"]) for each in done}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            for name, options in recipes().items():
                if chosen.only in name and (name, seed) not in there:
                    done.append(_measure(Path(scratch), name, {**options, "seed": seed}))
                    with chosen.out.open("a") as file:
                        file.write(json.dumps(done[-1]) + "\n")
    _show(done, chosen)
    return 0


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def _measure(scratch: Path, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Train one recipe without publishing it, and drive with the result."""
    config = {"patience": options["epochs"], **options}
    laps = [_record_lap(scratch, number) for number in range(1, config.pop(LAPS, 0) + 1)]
    own = scratch / ("with-simulator" if laps else "own")
    steer, scores = job.steered(own, DATA / LEARNED, config, laps)
    roads = (DRIVEN,) if name.partition(" ")[2] in LABELS else (DRIVEN, OTHER)
    if name.startswith(SECOND):
        roads = (DRIVEN, LAP)
    drives = {road: list(_drive(road, steer)) for road in roads}
    return {
        "recipe": name,
        "seed": options["seed"],
        "options": options,
        **scores,
        "drives": drives,
    }


def _record_lap(scratch: Path, number: int) -> Path:
    """Return the folder of a simulated lap, recorded as `lapwing train --with-simulator` does."""
    folder = scratch / reserved_names.simulated_recording(number)
    if not folder.exists():
        plan = record.plan_lap(number)
        record.record(load_track(f"random:{plan.seed}"), plan, folder, lambda **_: None)
    return folder


def _drive(recording: str, steer: Callable[[Any], float]) -> Iterator[dict[str, Any]]:
    """Yield the figures of a drive at each limit: of all of it, and of the part on the road."""
    road = _moving(logged_drive.read_folder(DATA / recording))
    policy = replay_policies.make_policy("model", road, steer, 1)
    warp = ViewWarp(pose=measure_pose(road).pose)
    end = np.searchsorted(road.time_s, OFF_THE_ROAD_S if recording == DRIVEN else np.inf)
    for limit_m in LIMITS_M:
        done = replay_log(road, policy, limit_m, warp)
        early = [each for each in done.interventions if each.row < end]
        elapsed_s = float(road.moving_s()[:end].sum())
        yield {
            "limit_m": limit_m,
            "autonomy": done.autonomy_percent,
            "autonomy_on_road": 100 * (1 - INTERVENTION_COST_S * len(early) / elapsed_s),
            "rmse_on_road_m": float(np.sqrt(np.mean(done.left_m[:end] ** 2))),
            "interventions": [(each.row, each.time_s, each.left_m) for each in done.interventions],
        }


def _moving(road: LoggedDrive) -> LoggedDrive:
    """Return a recording without its standing rows at the start and the end, which cost time."""
    first, last = (road.speed_mps > MIN_MOVING_MPS).nonzero()[0][[0, -1]].tolist()
    kept = slice(first, last + 2)
    return dataclasses.replace(
        road,
        time_s=road.time_s[kept],
        steering=road.steering[kept],
        speed_mps=road.speed_mps[kept],
        segment=road.segment[kept],
        image_paths=road.image_paths[kept],
    )


def _show(done: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Show a line for each recipe: the mean, and in brackets the range over the seeds."""
    columns = {
        f"{DRIVEN} at 1 m": (DRIVEN, 0, "autonomy"),
        "at 3 m": (DRIVEN, 1, "autonomy"),
        "1 m, on the road": (DRIVEN, 0, "autonomy_on_road"),
        "3 m, on the road": (DRIVEN, 1, "autonomy_on_road"),
        "deviation, m": (DRIVEN, 1, "rmse_on_road_m"),
        f"{OTHER} at 1 m": (OTHER, 0, "autonomy"),
        f"{OTHER} at 3 m": (OTHER, 1, "autonomy"),
        f"{LAP} at 1 m": (LAP, 0, "autonomy"),
        f"{LAP} at 3 m": (LAP, 1, "autonomy"),
    }
    rows: list[output.Row] = []
    for name in dict.fromkeys(training["recipe"] for training in done):
        mine = [training for training in done if training["recipe"] == name]
        drives = [training["drives"] for training in mine]
        cells = {
            column: _spread(
                [each[drive][limit][key] for each in drives if drive in each],
                2 if key.endswith("_m") else 0,
            )
            for column, (drive, limit, key) in columns.items()
        }
        mse = _spread([training["validation_mse"] for training in mine], 4)
        rows.append({"recipe": name, "seeds": len(mine), **cells, "validation MSE": mse})
    title = f"Recipes trained on {LEARNED}: autonomy on other recordings, %"
    command = "make bench-recipes"
    output.finish(output.Result("recipes", title, command, LEARNED, rows), options)


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return ""
    mean, low, high = statistics.fmean(values), min(values), max(values)
    return f"{mean:.{digits}f} ({low:.{digits}f}…{high:.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
