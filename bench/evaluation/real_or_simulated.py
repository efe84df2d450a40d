"""Measures how well a classifier tells frames of the real simulator from ours.

    python -m bench.evaluation.real_or_simulated [--preset lake=FILE] [--sheet FILE]

Frames of the recordings in LAPWING_SHARED are compared with frames of the expert's drives around
our track of the same name, of four looks. Each classifier is judged on recordings, or on blocks of
time, that it was not trained on; bench/evaluation/separability.py has the measure. Without
--preset, a preset is fitted to the track's first recording by `lapwing sim calibrate`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench import output, recordings
from bench.evaluation import separability
from bench.evaluation.separability import Pictures, Sample
from contract.frames import preprocess, spec
from contract.recordings import archive, driving_log
from contract.train_config import DEFAULT_NETWORK
from contract.vehicle import MPS_PER_MPH, ROW_HZ
from simulator.calibration.camera_fit import fit_camera
from simulator.calibration.colour_fit import fit_colours
from simulator.calibration.moments import read_moments
from simulator.calibration.preset import read_preset
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.rendering.scene_preset import BUILT_IN, ScenePreset
from simulator.track.catalog import load_track
from simulator.viz.contact_sheet import write_png
from simulator.world import World
from trainer.training.networks import find_network

RECORDINGS: Final = {"lake": ("lake", "lake-3"), "jungle": ("jungle",)}
"""Recordings of each track. The first one tells the preset."""
FRAMES: Final = 240
"""Frames of each recording, and of each drive."""
BLOCKS: Final = 10
"""Blocks of time of each recording and drive; each block of a randomised drive has its own look."""
MOMENTS: Final = 40
STYLE: Final = DrivingStyle(mph=20.0, weave_m=0.4)
CROP: Final = find_network(DEFAULT_NETWORK).rows[0]
SEEN: Final = {
    "whole frame": slice(0, spec.HEIGHT),
    "what the network sees": slice(CROP.integer("top"), spec.HEIGHT - CROP.integer("bottom")),
}
"""Rows of the frame: all, and those that the write-up's network is left with by its cropping."""
PAIRS: Final = 24
STEERING_ROWS: Final = 7
"""Frames over which steering is averaged before frames are matched by it: a keyboard steers in
strokes."""


@dataclass(frozen=True)
class Drive:
    """Frames of a drive, as a store holds them, with the pictures they were made of."""

    frames: Pictures
    """Frames, (N, 128, 128, 3)."""
    pictures: list[Pictures]
    """The camera's pictures, (160, 320, 3) each."""
    steering: separability.Floats


def main() -> int:
    """Measure each track and look, and print the areas."""
    parser = output.arguments(__doc__)
    parser.add_argument(
        "--preset",
        action="append",
        default=[],
        metavar="TRACK=FILE",
        help="preset of a track, made by `lapwing sim calibrate --out FILE`",
    )
    parser.add_argument("--track", choices=RECORDINGS, help="measure this track alone")
    parser.add_argument("--quick", action="store_true", help="leave the convolutional network out")
    parser.add_argument("--sheet", type=Path, help=f"PNG of {PAIRS} pairs, real and simulated")
    options = parser.parse_args()
    files = dict(each.split("=", 1) for each in options.preset)
    rows: list[output.Row] = []
    for name in [options.track] if options.track else list(RECORDINGS):
        real = [read_drive(recordings.DATA / each) for each in RECORDINGS[name]]
        preset = read_preset(Path(files[name])) if name in files else calibrate(name)
        simulated = {look: list(drives(name, *look_of)) for look, look_of in looks(preset).items()}
        for look, own in simulated.items():
            for held_out in ("recording", "block")[len(real) < 2 :]:
                sample = build_sample(real, own, held_out)
                rows += measure(name, look, held_out, sample, options.quick)
        if options.sheet and name in (options.track, "lake"):
            write_png(options.sheet, draw_sheet(real, simulated["calibrated colours"]))
    title = "Real frames told from simulated ones: area under the ROC curve"
    command = "python -m bench.evaluation.real_or_simulated"
    output.finish(output.Result("real_or_simulated", title, command, "", rows), options)
    return 0


def looks(preset: ScenePreset) -> dict[str, tuple[ScenePreset, bool]]:
    """Return the presets that are compared, and whether each block has a random look around it."""
    return {
        "built-in": (BUILT_IN, False),
        "calibrated cameras": (ScenePreset(preset.camera), False),
        "calibrated colours": (preset, False),
        "randomised around the built-in": (BUILT_IN, True),
        "randomised around the calibrated": (preset, True),
    }


def calibrate(track: str) -> ScenePreset:
    """Return the preset that the first recording of a track tells."""
    moments = read_moments(recordings.DATA / RECORDINGS[track][0], MOMENTS)
    return fit_colours(moments, fit_camera(moments).pose, load_track(track)).preset


def read_drive(folder: Path) -> Drive:
    """Return frames of the centre camera, spread evenly over a recording."""
    with archive.open_recordings(folder, folder) as found:
        (recording,) = found
        log = driving_log.with_images(recording.read(), recording.images)
        steering = smooth(np.array([row.steering for row in log]))
        chosen = np.linspace(0, len(log) - 1, FRAMES).astype(int)
        jpegs = [recording.images[log[number].images[0]].read_bytes() for number in chosen]
    return _drive(jpegs, steering[chosen])


def drives(name: str, preset: ScenePreset, randomize: bool) -> Iterator[Drive]:
    """Drive a lap each way, and yield its frames."""
    for number, direction in enumerate((1, -1)):
        track = load_track(name)
        world = World(track, 0.0, direction, direction * track.lane_m)
        expert = Expert(track, STYLE, number + 1)
        poses, steering = [], []
        laps_s = track.length_m / (STYLE.mph * MPS_PER_MPH) * 1.1
        for row in range(int(laps_s * ROW_HZ)):
            world.steering, world.throttle = expert.command(world)
            poses.append(world.pose)
            steering.append(world.steering)
            for _ in world.advance_to((row + 1) / ROW_HZ):
                pass
        chosen = np.linspace(0, len(poses) - 1, FRAMES).astype(int)
        jpegs: list[bytes] = []
        for block in np.array_split(chosen, BLOCKS if randomize else 1):
            seed = 1 + len(jpegs) + number * FRAMES
            appearance = Appearance(seed=seed, randomize=randomize, preset=preset)
            with Camera(track, appearance) as camera:
                jpegs += [encode_jpeg(camera.render(poses[each])) for each in block]
        yield _drive(jpegs, smooth(np.array(steering))[chosen])


def _drive(jpegs: Sequence[bytes], steering: separability.Floats) -> Drive:
    return Drive(
        np.array([preprocess.prepare(jpeg) for jpeg in jpegs]),
        [preprocess.decode(jpeg) for jpeg in jpegs],
        steering,
    )


def smooth(steering: separability.Floats) -> separability.Floats:
    """Return the running mean of a steering over STEERING_ROWS rows to each side, (N,)."""
    width = 2 * STEERING_ROWS + 1
    padded = np.pad(steering, STEERING_ROWS, "edge")
    return np.convolve(padded, np.ones(width) / width, "valid")


def build_sample(real: Sequence[Drive], simulated: Sequence[Drive], held_out: str) -> Sample:
    """Return the frames of drives, with the folds in which they are held out.

    Args:
        real: Recordings.
        simulated: Drives of ours.
        held_out: "recording" holds a recording out with one drive of ours; "block" every second
            block of time of all.
    """
    pictures, kinds, folds, blocks = [], [], [], []
    for kind, group in ((False, real), (True, simulated)):
        for number, drive in enumerate(group):
            count = len(drive.frames)
            block = np.arange(count) * BLOCKS // count
            pictures.append(drive.frames)
            kinds.append(np.full(count, kind))
            folds.append(np.full(count, number) if held_out == "recording" else block % 2)
            blocks.append(block + BLOCKS * number)
    return Sample(*(np.concatenate(each) for each in (pictures, kinds, folds, blocks)))


def measure(
    track: str, look: str, held_out: str, sample: Sample, quick: bool
) -> Iterator[output.Row]:
    """Yield a row for each part of the frame: the area for each group of features and for all."""
    for part, rows in SEEN.items():
        pictures = np.ascontiguousarray(sample.pictures[:, rows])
        features = separability.groups(sample.pictures, rows)
        found = {
            name: separability.separate(sample, values, separability.logistic)
            for name, values in (*features.items(), ("all", np.hstack(list(features.values()))))
        }
        if not quick:
            network = separability.convolutional
            found["network"] = separability.separate(sample, pictures, network)
        yield {
            "track": track,
            "look": look,
            "held out": held_out,
            "part": part,
            **{
                name: f"{each.auc:.3f} [{each.low:.3f}, {each.high:.3f}]"
                for name, each in found.items()
            },
        }


def draw_sheet(real: Sequence[Drive], simulated: Sequence[Drive]) -> Pictures:
    """Return pairs of a real picture and the simulated one with the nearest steering."""
    ours = [picture for drive in simulated for picture in drive.pictures]
    steering = np.concatenate([drive.steering for drive in simulated])
    pairs, used = [], np.zeros(len(ours), bool)
    for number in range(PAIRS):
        drive = real[number % len(real)]
        at = int((number + 0.5) / PAIRS * len(drive.pictures))
        distance = np.abs(steering - drive.steering[at]) + used
        nearest = int(distance.argmin())
        used[nearest] = True
        pairs.append(np.hstack([drive.pictures[at], ours[nearest]]))
    columns = 3
    strips = [np.hstack(pairs[start : start + columns]) for start in range(0, PAIRS, columns)]
    return np.vstack(strips)


if __name__ == "__main__":
    sys.exit(main())
