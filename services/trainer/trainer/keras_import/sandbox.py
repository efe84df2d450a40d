"""Reads an untrusted model file in a separate process first, to see whether reading it ends well.

HDF5 is a C library that was not written for forged files: a few wrong bytes can make it loop
forever, and others can crash it. Here that costs one process and a minute, not the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from contract.child_process import die_with_parent
from contract.errors import ModelError
from contract.watchdog import Watchdog
from trainer.keras_import import reader

TIMEOUT_S: Final = 60.0
"""Time limit for reading; a file of 3 MB takes 1 s, nearly all of it Python's start."""
LOOK_S: Final = 1.0
"""Time in seconds between two looks at the time limit."""


def read_in_subprocess(
    path: Path,
    timeout_s: float = TIMEOUT_S,
    weights: Path | None = None,
    **options: Any,  # noqa: ANN401 - passed on as JSON
) -> None:
    """Read a file once in a separate process, so that reading it here cannot hang or crash.

    Args:
        path: the file.
        timeout_s: time in seconds after which reading is stopped. The time in which this process
            itself stood still does not count.
        weights: the file of the weights that belong to a model.json.
        options: other keyword arguments for `reader.read`.

    Raises:
        ModelError: reading did not end in time, or killed the process. A file that `reader.read`
            refuses raises nothing here: the caller's own `reader.read` gives the reason.
    """
    command = [sys.executable, "-m", "trainer.keras_import.sandbox", str(os.getpid()), str(path)]
    command += [json.dumps(options), *([] if weights is None else [str(weights)])]
    look_s = min(LOOK_S, timeout_s / 10)
    watchdog = Watchdog(timeout_s, 2 * look_s)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            while True:
                try:
                    _, printed = process.communicate(timeout=look_s)
                    break
                except subprocess.TimeoutExpired as error:
                    watchdog.look()
                    if watchdog.is_expired:
                        got = f"reading it did not end within {timeout_s:g} s"
                        raise _refused(path, got) from error
        finally:
            process.kill()
    if process.returncode:
        last_line = printed.decode(errors="replace").strip().splitlines()[-1:]
        raise _refused(path, f"reading it ended with status {process.returncode} {last_line}")


def _refused(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path.name} is refused: it is damaged, or was made to attack its reader",
        got=got,
        remedy="Save the model again with Keras's model.save",
    )


def main(parent: str, path: str, options: str, weights: str = "") -> None:
    """Read a file in this process; a refusal is not an error here."""
    die_with_parent(int(parent))  # a file that is never read to its end must not outlive its job
    with contextlib.suppress(ModelError):
        reader.read(Path(path), weights=Path(weights) if weights else None, **json.loads(options))


if __name__ == "__main__":
    main(*sys.argv[1:])
