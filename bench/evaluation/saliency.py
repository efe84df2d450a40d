"""Measures whether a network looks at the road's edges.

python -m bench.evaluation.saliency MODELS VERSION

In frames of the simulator the edges are known. The figure is the share of a frame's saliency that
lies in a region, divided by the region's share of the pixels; 1 is chance. The controls are an
untrained network of the same shape, the saliency of other frames, and the saliency with its pixels
shuffled. docs/explain.md tells the results.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import output
from bench.evaluation import road_edges
from contract.frames import preprocess
from contract.models.registry import H5, Registry
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import RoadsideWidths
from simulator.track import builtin
from simulator.track.geometry import Pose, Track
from trainer.explain import feature_maps, saliency
from trainer.graph.layers import Conv, Dense, Layer, NetworkSpec
from trainer.keras_import import reader

FRAMES = 240
BATCH = 8
LINE_M = 0.5
"""Width of the strip inside the edge where the line is painted."""
BLUR_PX = 2
"""Half the kernel of the first convolution, which limits how fine saliency can be."""
ASIDE_M = 1.5
ASKEW_RAD = 0.1
RESAMPLED = 2000

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def margin(
    track: Track, station_m: float, direction: int, pose: Pose, inside_m: float, outside_m: float
) -> Mask:
    """Return the pixels (128, 128) of a strip along either edge, from inside of it to outside."""
    numbers = road_edges.visible(track, road_edges.ahead(track, station_m, direction), pose)
    half, found = track.width_m / 2, np.zeros((128, 128), bool)
    for sign in (1.0, -1.0):
        found |= road_edges.strip(
            track, numbers, pose, sign * (half - inside_m), sign * (half + outside_m)
        )
    return found


def regions(track: Track, station_m: float, direction: int, pose: Pose) -> dict[str, Mask]:
    """Return the regions of a frame by name.

    The region "edges" reaches from the line inside the edge to the outer end of the shoulder or
    kerb, and BLUR_PX around that.
    """
    scene = (track, station_m, direction, pose)
    surface = road_edges.road(*scene)
    edges = road_edges.grown(margin(*scene, LINE_M, RoadsideWidths().shoulder_m), BLUR_PX)
    return {
        "edges": edges,
        "edges within 0.5 m": margin(*scene, 0.5, 0.5),
        "3 m beside the road": margin(*scene, 0.0, 3.0),
        "road and edges": surface | edges,
        "road without edges": surface & ~edges,
    }


def scenes(
    track: Track, count: int, seed: int
) -> Iterator[tuple[NDArray[np.uint8], dict[str, Mask]]]:
    """Yield frames (128, 128, 3) from all over a track, in both directions, with their regions."""
    chance = np.random.default_rng(seed)
    with Camera(track, Appearance()) as camera:
        for number in range(count):
            direction = 1 if number % 2 else -1
            station_m = float(chance.uniform(0, track.length_m))
            aside = track.lane_m * direction + float(chance.uniform(-ASIDE_M, ASIDE_M))
            askew = float(chance.uniform(-ASKEW_RAD, ASKEW_RAD))
            pose = track.pose_at(station_m, aside, askew + (0.0 if direction > 0 else math.pi))
            yield (
                preprocess.resize(camera.render(pose)),
                regions(track, station_m, direction, pose),
            )


def untrained(network: NetworkSpec, seed: int) -> NetworkSpec:
    """Return a network of the same shape with weights as Keras draws them (Glorot, Bengio 2010)."""
    chance = np.random.default_rng(seed)

    def drawn(layer: Layer) -> Layer:
        if not isinstance(layer, Conv | Dense):
            return layer
        *window, fan_in, fan_out = layer.kernel.shape
        limit = math.sqrt(6 / (math.prod(window) * (fan_in + fan_out)))
        kernel = chance.uniform(-limit, limit, layer.kernel.shape).astype(np.float32)
        return dataclasses.replace(layer, kernel=kernel, bias=np.zeros_like(layer.bias))

    return dataclasses.replace(network, layers=tuple(map(drawn, network.layers)))


def masses(network: NetworkSpec, frames: NDArray[np.uint8]) -> Floats:
    """Return the saliency of each frame, (n, 128, 128), scaled to a sum of 1."""
    found = []
    for start in range(0, len(frames), BATCH):
        trace = feature_maps.layer_outputs(network, frames[start : start + BATCH])
        found.append(saliency.visual_backprop(network, trace).astype(np.float64))
    mass: Floats = np.concatenate(found)
    return np.asarray(mass / mass.sum((1, 2), keepdims=True))


def factor(mass: Floats, region: NDArray[np.bool_], shown: Mask) -> dict[str, float]:
    """Return how much more saliency a region has than chance, over all frames, with intervals.

    Args:
        mass: saliency of each frame, (n, 128, 128).
        region: pixels of the region in each frame, (n, 128, 128).
        shown: the pixels that the network is shown, (128, 128).
    """
    share = (mass * region).sum((1, 2))
    area = region[:, shown].mean(1)
    whole = region.mean((1, 2))
    drawn = np.random.default_rng(1).integers(0, len(share), (RESAMPLED, len(share)))
    ratios = share[drawn].mean(1) / area[drawn].mean(1)
    peaks = mass.reshape(len(mass), -1).argmax(1)
    return {
        "share_of_mass": float(share.mean()),
        "share_of_crop": float(area.mean()),
        "factor": float(share.mean() / area.mean()),
        "factor_low": float(np.quantile(ratios, 0.025)),
        "factor_high": float(np.quantile(ratios, 0.975)),
        "factor_of_frame": float(share.mean() / whole.mean()),
        "peaks_inside": float(region.reshape(len(mass), -1)[np.arange(len(mass)), peaks].mean()),
    }


def thrown(mass: Floats, shown: Mask, seed: int) -> Floats:
    """Return saliencies whose pixels are shuffled within the part that the network is shown."""
    found, chance = mass.copy(), np.random.default_rng(seed)
    for each in found:
        each[shown] = chance.permutation(each[shown])
    return found


def measure(network: NetworkSpec, track: Track, count: int, seed: int = 1) -> dict[str, Any]:
    """Return the figures of a network and of its controls on a track, by control and region."""
    seen = list(scenes(track, count, seed))
    frames = np.stack([pixels for pixels, _ in seen])
    top, bottom, left, right = (round(each) for each in feature_maps.conv_input_box(network))
    shown = np.zeros(frames.shape[1:3], bool)
    shown[top : bottom + 1, left : right + 1] = True
    own = masses(network, frames)
    saliencies = {
        "the version": own,
        "untrained": masses(untrained(network, seed), frames),
        "of another frame": np.roll(own, count // 3, axis=0),
        "pixels thrown about": thrown(own, shown, seed),
    }
    return {
        who: {
            name: factor(mass, np.stack([each[name] for _, each in seen]), shown)
            for name in seen[0][1]
        }
        for who, mass in saliencies.items()
    }


def main() -> None:
    """Measure a version on both tracks, and show the figures."""
    parser = output.arguments(__doc__)
    parser.add_argument("models", type=Path, help="the model volume")
    parser.add_argument("version", type=int, help="the version's number")
    parser.add_argument("--frames", type=int, default=FRAMES, help="number of frames of each track")
    options = parser.parse_args()
    network = reader.read(Registry(options.models).path(options.version) / H5, whole=True).network
    rows: list[output.Row] = [
        {
            "track": track,
            "saliency": who,
            "region": region,
            "mass": f"{each['share_of_mass']:.1%}",
            "pixels shown": f"{each['share_of_crop']:.1%}",
            "times chance": each["factor"],
            "95 %": f"{each['factor_low']:.2f}-{each['factor_high']:.2f}",
            "of the whole frame": each["factor_of_frame"],
            "peaks inside": f"{each['peaks_inside']:.0%}",
        }
        for track in builtin.TRACK_NAMES
        for who, by_region in measure(network, builtin.builtin_track(track), options.frames).items()
        for region, each in by_region.items()
    ]
    title = f"Whether a network looks at the road's edges, {options.frames} frames of each track"
    command = "python -m bench.evaluation.saliency MODELS VERSION"
    output.finish(output.Result("saliency", title, command, "", rows), options)


if __name__ == "__main__":
    main()
