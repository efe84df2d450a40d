"""Compares trainings in bfloat16 with the same in float32 as the gate does: do they drive worse?

python -m bench.training.precisions --out FOLDER [--epochs N] [--seeds 1 2 3] RECORDING …

Both are trained on the recordings with the default recipe, and compared along the held-out rows
and in the simulator (docs/gate.md). On a CPU without bfloat16, float32 computes what bfloat16
would have rounded (rounded.py). A comparison that FOLDER holds is not repeated.
docs/adr/0012-training-step.md tells the results.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench import output


def compare(
    folder: Path,
    recordings: list[Path],
    held_out: list[Path],
    options: dict[str, Any],
    starts: int,
) -> dict[str, Any]:
    """Train in both precisions, and return both scores and the comparisons.

    Args:
        folder: a folder for the volumes.
        recordings: the recordings to learn from.
        held_out: more recordings to drive along.
        options: the options of the training.
        starts: the largest number of pairs of drives in the simulator; 0 leaves it out.
    """
    from bench.training import job
    from bench.training.rounded import RoundedLoop
    from contract.models.registry import Registry
    from contract.settings import load
    from contract.train_config import from_arguments
    from evaluator.jobs import gate
    from evaluator.settings import Settings as EvaluatorSettings
    from ingest.job import import_source
    from ingest.settings import Settings as IngestSettings
    from trainer.jobs.train import train
    from trainer.settings import Settings
    from trainer.training import devices
    from trainer.training.tensorboard import TensorBoardLogger

    data, models = folder / "data", folder / "models"
    environ = {
        **os.environ,
        "LAPWING_DATA_DIR": str(data),
        "LAPWING_MODEL_DIR": str(models),
        "LAPWING_GATE_PAIRS": str(max(starts, 8)),
    }

    def take(recording: Path) -> None:
        settings = load(IngestSettings, environ)
        import_source(settings, recording, recording.name, 1.0, lambda **_: None)

    for recording in recordings:
        take(recording)
    settings, native = load(Settings, environ), devices.configure().bfloat16
    for precision in ("float32", "bfloat16"):
        job_id, config = f"bench-{precision}", {**options, "precision": precision}
        emulated = precision == "bfloat16" and not native
        if emulated and Registry(models).published_by(job_id) is None:
            plain = {**options, "precision": "float32"}
            with (
                job.training(data, models, job_id, plain, RoundedLoop) as loop,
                TensorBoardLogger(models, job_id, 0, dataclasses.asdict(loop.config)) as board,
            ):
                loop.run(lambda **_: None, board)
        # The job resumes after the last epoch of the loop above, and publishes.
        chosen = from_arguments({**options, "precision": "auto"} if emulated else config)
        train(settings, job_id, lambda **_: None, [], chosen)
    for recording in held_out:  # which are there only now, so that nothing trains on them
        take(recording)
    registry, driven = Registry(models), load(EvaluatorSettings, environ)
    manifests = [registry.manifest(number) for number in (1, 2)]
    compared = gate.compare_log_replays(driven, registry, 2, 1, lambda **_: None)
    if starts:
        compared += gate.compare_rollouts(driven, registry, 2, 1, lambda **_: None)
    return {
        "validation_mse": [each.metrics["validation_mse"] for each in manifests],
        "comparisons": [each.document() for each in compared],
        "precisions": [each.precision for each in manifests],
    }


def main() -> int:
    """Make the comparisons that are missing, and show all of them."""
    asked = output.arguments(__doc__)
    asked.add_argument("recordings", type=Path, nargs="+", help="folders to learn from, together")
    asked.add_argument("--out", type=Path, required=True, help="a folder for the volumes")
    asked.add_argument("--held-out", type=Path, nargs="*", default=[], help="more to drive along")
    asked.add_argument("--epochs", type=int, default=20)
    asked.add_argument("--starts", type=int, default=128, help="most pairs of drives, or 0")
    asked.add_argument("--seeds", type=int, nargs="*", default=(1, 2, 3))
    chosen = asked.parse_args()
    rows: list[output.Row] = []
    names = ", ".join(recording.name for recording in chosen.recordings)
    for seed in chosen.seeds:
        folder = chosen.out / f"seed-{seed}"
        kept = folder / "result.json"
        if not kept.exists():
            options = {"epochs": chosen.epochs, "patience": chosen.epochs, "seed": seed}
            result = compare(folder, chosen.recordings, chosen.held_out, options, chosen.starts)
            kept.write_text(json.dumps(result, indent=1))
        result = json.loads(kept.read_text())
        single, rounded = result["validation_mse"]
        rows += [
            {
                "seed": seed,
                "course": each["course"],
                "pairs": each["pairs"],
                "float32": each["incumbent"],
                "bfloat16": each["candidate"],
                "difference": each["difference"],
                "lower bound": each["lower"],
                "verdict": each["verdict"],
                "MSE float32": single,
                "MSE bfloat16": rounded,
            }
            for each in result["comparisons"]
        ]
    title = "Trainings in bfloat16 and in float32, compared as the gate does"
    command = "python -m bench.training.precisions"
    output.finish(output.Result("precisions", title, command, names, rows), chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
