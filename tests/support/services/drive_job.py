"""The process of a job that lets version 1 of a registry drive on a Ray cluster.

python drive_job.py MODELS TRACK LAPS SEED COUNT ADDRESS TOKEN_FILE [LIGHT…]

It prints a line of JSON for each report of its progress.
"""

import json
import sys
from pathlib import Path

from contract.models.registry import Registry
from evaluator.closed_loop.executors.ray_tasks import RayTasks
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario, run_rollouts
from evaluator.settings import Settings


def main() -> None:
    """Drive, and print the progress."""
    models, track, laps, seed, count, address, token_file = sys.argv[1:8]
    lights = sys.argv[8:] or ["clear"]

    def report(**fields: object) -> None:
        print(json.dumps(fields), flush=True)

    settings = Settings(cluster=address, cluster_token_file=token_file)
    run_rollouts(
        Registry(Path(models)),
        1,
        [Scenario(track, Condition(light, light), float(laps), int(seed)) for light in lights],
        int(count),
        RayTasks(settings, report),
        lambda done, total: report(done=done, total=total),
    )


if __name__ == "__main__":
    main()
