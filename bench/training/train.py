"""Compares Lapwing's training step with other ways of computing it: `make bench-train`.

Each contestant is a process that waits while another one computes. They take turns at each batch
size, with the same frames. PyTorch takes part where it is installed (bench/requirements.txt), and
bfloat16 where the CPU has instructions for it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from archspec.cpu.detect import detected_info

from bench import output, recordings
from bench.training.loaders.files import listed
from contract.frames import preprocess

ROUNDS = 3
BATCHES = (32, 64, 128)
SECONDS = 2.0
FRAMES = 512
BFLOAT16 = ("amx_bf16", "avx512_bf16")


@dataclass(frozen=True)
class Contestant:
    """A way of computing the step: a module of bench.training.steps and its option."""

    name: str
    module: str
    option: str
    bfloat16: bool = False

    @property
    def own(self) -> bool:
        """Whether it is Lapwing's own learner."""
        return self.module == "lapwing"


CONTESTANTS = (
    Contestant("Lapwing, float32", "lapwing", "float32"),
    Contestant("Lapwing, bfloat16", "lapwing", "bfloat16", bfloat16=True),
    Contestant("Keras and TensorFlow, float32", "plain_keras", "float32"),
    Contestant("Keras and TensorFlow, bfloat16", "plain_keras", "mixed_bfloat16", bfloat16=True),
    Contestant("Keras and TensorFlow, jit_compile, float32", "plain_keras", "jit"),
    Contestant("PyTorch, channels last, float32", "pytorch", "plain"),
    Contestant("PyTorch, channels last, torch.compile, float32", "pytorch", "compile"),
    Contestant("PyTorch, channels last, bfloat16", "pytorch", "bfloat16", bfloat16=True),
    Contestant(
        "PyTorch, channels last, torch.compile, bfloat16",
        "pytorch",
        "compile+bfloat16",
        bfloat16=True,
    ),
)


def main() -> int:
    """Measure, and show the figures."""
    parser = output.arguments(__doc__)
    parser.add_argument("--batches", type=int, nargs="*", default=BATCHES)
    parser.add_argument("--only", nargs="*", default=[""], help="parts of contestants' names")
    parser.add_argument(
        "--threads",
        type=int,
        default=os.cpu_count(),
        help="threads of each contestant; with 1, the processor time means something on a busy "
        "machine too, where threads that wait for each other spend more of it",
    )
    options = parser.parse_args()
    recording = recordings.chosen()
    native = bool(set(BFLOAT16) & set(detected_info().features))
    torch = importlib.util.find_spec("torch") is not None
    contestants = [
        each
        for each in CONTESTANTS
        if (native or not each.bfloat16)
        and (torch or each.module != "pytorch")
        and any(part in each.name for part in options.only)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        frames = write_frames(recording, Path(scratch))
        answers = measure(contestants, options.batches, frames, options.threads)
    rows = table(contestants, options.batches, answers)
    title = "The training step"
    output.finish(output.Result("train", title, "make bench-train", recording.name, rows), options)
    tell(options, answers, native=native, torch=torch)
    return 0


def write_frames(recording: Path, folder: Path) -> Path:
    """Write the first frames of a recording and their steering, as batches hold them."""
    (folder / "run").symlink_to(recording.absolute())
    paths, labels = listed(folder)
    frames = np.stack([preprocess.prepare(Path(each).read_bytes()) for each in paths[:FRAMES]])
    path = folder / "frames.npz"
    np.savez(path, frames=frames, labels=np.array(labels[:FRAMES], np.float32))
    return path


@contextlib.contextmanager
def _running(contestant: Contestant, frames: Path, threads: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.training.steps"]
    bound = {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
    if threads == 1:
        bound["TF_NUM_INTEROP_THREADS"] = "1"
    process = subprocess.Popen(
        [*command, contestant.module, contestant.option, str(frames)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **bound},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _ask(process: subprocess.Popen[str], batch: int, seconds: float) -> Mapping[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    print(batch, seconds, file=process.stdin, flush=True)
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


Answers = dict[tuple[str, int], list[Mapping[str, float]]]
"""What a contestant answered in each round, by its name and the batch size."""


def measure(
    contestants: list[Contestant], batches: list[int], frames: Path, threads: int
) -> Answers:
    """Have all contestants take turns; return their answers."""
    answers: Answers = {}
    with contextlib.ExitStack() as stack:
        running = {
            each.name: stack.enter_context(_running(each, frames, threads)) for each in contestants
        }
        for process in running.values():  # all import and compile before anyone is timed
            for batch in batches:
                _ask(process, batch, 0.1)
        for _ in range(ROUNDS):
            for batch in batches:
                for name, process in running.items():
                    answers.setdefault((name, batch), []).append(_ask(process, batch, SECONDS))
    return answers


def median(answers: Answers, name: str, batch: int, figure: str = "rate") -> float | None:
    """Return a figure's median over the rounds; None for a contestant that is left out."""
    values = [answer[figure] for answer in answers.get((name, batch), [])]
    return statistics.median(values) if values else None


def table(contestants: list[Contestant], batches: list[int], answers: Answers) -> list[output.Row]:
    """Return a row for each contestant and batch size."""
    rows: list[output.Row] = []
    for batch in batches:
        own = [each.name for each in contestants if each.own]
        fastest = max(own, key=lambda name: median(answers, name, batch) or 0, default="")
        for each in contestants:
            rates = [answer["rate"] for answer in answers[each.name, batch]]
            rows.append(
                {
                    "batch": batch,
                    "step": each.name,
                    "threads": int(answers[each.name, batch][0]["threads"]),
                    "samples/s": statistics.median(rates),
                    "lowest": min(rates),
                    "highest": max(rates),
                    "CPU ms/sample": median(answers, each.name, batch, "cpu_ms"),
                    "Lapwing is x times": _ratio(answers, fastest, each.name, batch, "rate"),
                    "by CPU": _ratio(answers, each.name, fastest, batch, "cpu_ms"),
                }
            )
    return rows


def _ratio(answers: Answers, name: str, other: str, batch: int, figure: str) -> float | None:
    value, divisor = (median(answers, each, batch, figure) for each in (name, other))
    return value / divisor if value and divisor else None


def tell(options: argparse.Namespace, answers: Answers, *, native: bool, torch: bool) -> None:
    """Say what bfloat16 is worth here, and who is left out."""
    console = output.console(options)
    for batch in options.batches:
        single, half = (median(answers, each.name, batch) for each in CONTESTANTS if each.own)
        if single and half:
            told = f"Lapwing, batch {batch}: bfloat16 is {half / single:.2f} x float32"
            console.print(told, highlight=False)
    if not native:
        console.print("bfloat16 is left out: this CPU has neither AVX512_BF16 nor AMX_BF16")
    if not torch:
        console.print("PyTorch is left out: pip install -r bench/requirements.txt")


if __name__ == "__main__":
    sys.exit(main())
