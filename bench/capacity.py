"""What Lapwing needs for so many frames and simulators, on paper: `python -m bench.capacity`.

It multiplies measured constants. docs/scale.md has its table and says what it leaves out;
tests/bench/test_capacity.py compares it with a simulation and with what was measured.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from typing import Final

HZ: Final = 15.0
"""Telemetries a second of one simulator."""
TARGET_MPS: Final = 15 * 0.44704
"""Speed of the car: 15 mph."""
PLACES: Final = 250
"""Simulators of one bridge behind the balancer (containers/haproxy.cfg)."""
REPLICAS: Final = 16
"""Replicas of one service that one balancer knows."""
BALANCER_CONNECTIONS: Final = 1024
"""Simulators of one balancer: the bound of connections in containers/haproxy.cfg."""
GATE_DRIVES: Final = 2 * 73
"""Drives of a gate of two equal versions: 73 pairs (docs/gate.md)."""


@dataclass(frozen=True)
class Constants:
    """What was measured, for one core of an EPYC with AVX2 unless it says otherwise."""

    frame_bytes: float = 128 * 128 * 3
    """Bytes of a frame in a store: uncompressed RGB (ADR 2)."""
    import_frames_s: float = 803 / 2
    """Frames a second and core: `make bench` on two busy cores (bench/results)."""
    train_ms: float = 2.07
    """Milliseconds of a core for a sample at batches of 64 with TensorFlow (ADR 12)."""
    jax_factor: float = 3.6
    """How many times as long a core takes with JAX, which several workers train with (ADR 15)."""
    gpu_samples_s: float = 20_000
    """Samples a second of a GPU: a parameter, not measured."""
    reader_samples_s: float = 51_900
    """Samples a second of one reading process with the default recipe (ADR 3)."""
    parameters: float = 252_219
    """Parameters of the network (docs/networks.md)."""
    drive_frame_ms: float = 6.79
    """Milliseconds of a core for a frame of a drive (ADR 6)."""
    drive_world_ms: float = 362
    """Milliseconds of a core to build the world of a drive (ADR 6)."""
    lap_m: float = 1_136
    """Length of a lap of the track lake, of which a drive of the gate is an eighth."""
    inference_ms: float = 3.6
    """Milliseconds of a core for a /predict, all processes (docs/scale.md)."""
    bridge_ms: float = 3.65
    """Milliseconds of a core for a telemetry in fragments (docs/scale.md)."""
    balancer_ms: float = 1.08
    """Milliseconds of a core for a telemetry and its /predict in HAProxy (docs/scale.md)."""
    telemetry_bytes: float = 19_100
    """Bytes of a telemetry with a JPEG of 14.3 kB in base64."""
    core_hour_cost: float = 0.04
    """Cost of a core for an hour, in any currency: a parameter."""


@dataclass(frozen=True)
class Scale:
    """How much there is."""

    name: str
    frames: float
    """Samples of a training; each is imported once."""
    simulators: float
    cores: float
    """Cores of all machines together."""
    gpus: int = 0
    epochs: float = 10


@dataclass(frozen=True)
class Need:
    """What a scale needs."""

    store_gb: float
    import_h: float
    train_h: float
    gate_s: float
    bridges: int
    balancers: int
    """Each has room for REPLICAS bridges and for BALANCER_CONNECTIONS simulators."""
    serving_cores: float
    serving_mb_s: float
    cost: float
    """Of one import, one training and one gate."""


def all_reduce_bytes(constants: Constants, workers: int) -> float:
    """Return the bytes that each worker sends in a step: 2 (n - 1) / n of the gradients.

    This is the ring of Patarasuk and Yuan (2009), which gloo and NCCL use.
    """
    return 2 * (workers - 1) / workers * constants.parameters * 4


def serving_cores(constants: Constants, simulators: float) -> tuple[float, float, float]:
    """Return the cores that inference, the bridges and the balancers are busy with."""
    rate = simulators * HZ / 1000
    return (
        rate * constants.inference_ms,
        rate * constants.bridge_ms,
        rate * constants.balancer_ms,
    )


def bridges(constants: Constants, simulators: float) -> int:
    """Return the number of bridges: each is one process of one core, and has PLACES."""
    busy = serving_cores(constants, simulators)[1]
    return max(1, math.ceil(busy), math.ceil(simulators / PLACES))


def training_s(constants: Constants, scale: Scale) -> float:
    """Return the seconds of a training: on GPUs, or on the cores of one machine, at most 64."""
    samples = scale.frames * scale.epochs
    if scale.gpus:
        return samples / (scale.gpus * constants.gpu_samples_s)
    return samples * constants.train_ms / 1000 / min(scale.cores, 64)


def drive_s(constants: Constants, frames: float) -> float:
    """Return the seconds of one core for a drive with this number of frames."""
    return (constants.drive_world_ms + frames * constants.drive_frame_ms) / 1000


def need(constants: Constants, scale: Scale) -> Need:
    """Return what a scale needs."""
    imported_s = scale.frames / constants.import_frames_s / scale.cores
    trained_s = training_s(constants, scale)
    # A core makes one drive at a time.
    rounds = math.ceil(GATE_DRIVES / scale.cores)
    gate_s = rounds * drive_s(constants, constants.lap_m / 8 / TARGET_MPS * HZ)
    number = bridges(constants, scale.simulators)
    balancers = max(
        math.ceil(number / REPLICAS), math.ceil(scale.simulators / BALANCER_CONNECTIONS)
    )
    return Need(
        scale.frames * constants.frame_bytes / 1e9,
        imported_s / 3600,
        trained_s / 3600,
        gate_s,
        number,
        balancers,
        sum(serving_cores(constants, scale.simulators)),
        scale.simulators * HZ * constants.telemetry_bytes / 1e6,
        (imported_s + trained_s + gate_s) / 3600 * scale.cores * constants.core_hour_cost,
    )


SCALES: Final = (
    Scale("a student's laptop", 2e4, 1, 4),
    Scale("a workstation", 1e6, 20, 16),
    Scale("a lab: 4 machines, 4 GPUs", 2e7, 200, 64, 4),
    Scale("a company: 40 machines, 16 GPUs", 1e9, 10_000, 1280, 16),
)
HEADS: Final = (
    *("", "frames", "simulators", "store", "import", "training", "gate", "bridges", "balancers"),
    *("cores that serve", "MB/s", "cost"),
)


def table(constants: Constants) -> list[str]:
    """Return the lines of the table of docs/scale.md."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    for scale in SCALES:
        one = need(constants, scale)
        cells = [
            *(scale.name, f"{scale.frames:,.0f}", f"{scale.simulators:,.0f}"),
            *(f"{one.store_gb:,.1f} GB", f"{one.import_h:,.2f} h", f"{one.train_h:,.2f} h"),
            *(f"{one.gate_s:,.0f} s", str(one.bridges), str(one.balancers)),
            *(f"{one.serving_cores:,.1f}", f"{one.serving_mb_s:,.1f}", f"{one.cost:,.2f}"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Print the table, with other parameters if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core-hour-cost", type=float, default=Constants.core_hour_cost)
    parser.add_argument("--gpu-samples-s", type=float, default=Constants.gpu_samples_s)
    options = parser.parse_args()
    constants = Constants(
        core_hour_cost=options.core_hour_cost, gpu_samples_s=options.gpu_samples_s
    )
    print("\n".join(table(constants)))


if __name__ == "__main__":
    main()
