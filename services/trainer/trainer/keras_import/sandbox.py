"""Reads an untrusted model file in a separate process first, to see whether reading it ends well.

HDF5 is a C library that was not written for forged files: a few wrong bytes can make it loop
forever, and others can crash it. Here that costs one process and a minute, not the worker.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from trainer.keras_import import reader

TIMEOUT_S: Final = 60.0
"""Time limit for reading; a file of 3 MB takes 1 s, nearly all of it Python's start."""


def read_in_subprocess(
    path: Path,
    timeout_s: float = TIMEOUT_S,
    weights: Path | None = None,
    **options: Any,  # noqa: ANN401 - passed on as JSON
) -> None:
    """Read a file once in a separate process, so that reading it here cannot hang or crash.

    Args:
        path: the file.
        timeout_s: time in seconds after which reading is stopped.
        weights: the file of the weights that belong to a model.json.
        options: other keyword arguments for `reader.read`.

    Raises:
        ModelError: reading did not end in time, or killed the process. A file that `reader.read`
            refuses raises nothing here: the caller's own `reader.read` gives the reason.
    """
    command = [sys.executable, "-m", "trainer.keras_import.sandbox", str(path)]
    command += [json.dumps(options), *([] if weights is None else [str(weights)])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise _refused(path, f"reading it did not end within {timeout_s:g} s") from error
    if done.returncode:
        last_line = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _refused(path, f"reading it ended with status {done.returncode} {last_line}")


def _refused(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path.name} is refused: it is damaged, or was made to attack its reader",
        got=got,
        remedy="Save the model again with Keras's model.save",
    )


def main(path: str, options: str, weights: str = "") -> None:
    """Read a file in this process; a refusal is not an error here."""
    with contextlib.suppress(ModelError):
        reader.read(Path(path), weights=Path(weights) if weights else None, **json.loads(options))


if __name__ == "__main__":
    main(*sys.argv[1:])
