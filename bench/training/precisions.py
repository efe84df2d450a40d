"""Compares trainings in bfloat16 with the same in float32 by the gate: are they driven worse?

python -m bench.training.precisions --out FOLDER [--epochs N] [--seeds 1 2 3] RECORDING …

Both are trained on the recordings with the default recipe. The version in float32 is published
first and so is the current one; then the gate (docs/gate.md) compares the other with it. On a CPU
without bfloat16, float32 computes what bfloat16 would have rounded (rounded.py). A comparison
that FOLDER holds is not repeated. LAPWING_GATE_STARTS says how many drives the gate compares.
docs/adr/0009-recipe.md tells the results.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench import output


def compare(folder: Path, recordings: list[Path], options: dict[str, Any]) -> dict[str, Any]:
    """Train in both precisions, and return both scores and the gate's decision.

    Args:
        folder: a folder for the volumes.
        recordings: the recordings to learn from.
        options: the options of the training.
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
    }
    for recording in recordings:
        import_source(
            load(IngestSettings, environ), recording, recording.name, 1.0, lambda **_: None
        )
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
    decision = gate.decide(load(EvaluatorSettings, environ), "bench-gate", 2, lambda **_: None)
    manifests = [Registry(models).manifest(number) for number in (1, 2)]
    return {
        "validation_mse": [each.metrics["validation_mse"] for each in manifests],
        "accepted": decision.accepted,
        "comparisons": decision.evidence["comparisons"],
        "precisions": [each.precision for each in manifests],
    }


def main() -> int:
    """Make the comparisons that are missing, and show all of them."""
    asked = output.arguments(__doc__)
    asked.add_argument("recordings", type=Path, nargs="+", help="folders to learn from, together")
    asked.add_argument("--out", type=Path, required=True, help="a folder for the volumes")
    asked.add_argument("--epochs", type=int, default=20)
    asked.add_argument("--seeds", type=int, nargs="*", default=(1, 2, 3))
    chosen = asked.parse_args()
    rows: list[output.Row] = []
    names = ", ".join(recording.name for recording in chosen.recordings)
    for seed in chosen.seeds:
        folder = chosen.out / f"seed-{seed}"
        kept = folder / "result.json"
        if not kept.exists():
            options = {"epochs": chosen.epochs, "patience": chosen.epochs, "seed": seed}
            result = compare(folder, chosen.recordings, options)
            kept.write_text(json.dumps(result, indent=1))
        result = json.loads(kept.read_text())
        single, half = result["validation_mse"]
        rows += [
            {
                "seed": seed,
                "course": each["course"],
                "pairs": each["pairs"],
                "float32": each["incumbent"],
                "bfloat16": each["candidate"],
                "difference": each["difference"],
                "lower bound": each["lower"],
                "informative": "yes" if each["tells"] else "no",
                "MSE float32": single,
                "MSE bfloat16": half,
            }
            for each in result["comparisons"]
        ]
    title = "Trainings in bfloat16 and in float32, compared by the gate"
    command = "python -m bench.training.precisions"
    output.finish(output.Result("precisions", title, command, names, rows), chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
