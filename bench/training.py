"""Run the trainer's job outside of a queue, as the benches need it: in this process, or its own.

Nothing heavy is imported at the top: spawned readers import the module that is run as __main__.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def run(job_id: str, datasets: list[str], config: dict[str, Any]) -> dict[str, Any]:
    """Train by the settings of the environment; return what `lapwing train` shows."""
    import logging

    from contract.settings import load
    from trainer.config import of_arguments
    from trainer.job import train
    from trainer.settings import Settings

    logging.getLogger("absl").setLevel(logging.ERROR)
    settings = load(Settings, os.environ)
    return train(settings, job_id, lambda **_: None, datasets, of_arguments(config))


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], [], json.loads(sys.argv[2]))))
