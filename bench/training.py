"""Run the trainer's job outside of a queue, as the benches need it: in this process, or its own."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from contract.settings import load
from trainer.config import Config
from trainer.job import train
from trainer.settings import Settings


def run(job_id: str, datasets: list[str], config: Config) -> dict[str, Any]:
    """Train by the settings of the environment; return what `lapwing train` shows."""
    return train(load(Settings, os.environ), job_id, lambda **_: None, datasets, config)


if __name__ == "__main__":
    logging.getLogger("absl").setLevel(logging.ERROR)
    print(json.dumps(run(sys.argv[1], [], Config(**json.loads(sys.argv[2])))))
