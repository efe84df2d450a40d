"""Reads a stranger's model file in a process of its own first, to see that reading it ends well.

HDF5 is a C library that was not written for forged files: a few wrong bytes let it loop for ever,
and others may crash it. Here that costs a process and a minute, not the worker and its queue.
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

LIMIT_S: Final = 60.0
"""A file of 3 MB takes 1 s, of which Python's start is nearly all."""


def rehearse(path: Path, limit_s: float = LIMIT_S, **options: Any) -> None:  # noqa: ANN401
    """Read a file once, to no other end; whoever reads it afterwards meets no surprise.

    Args:
        path: the file.
        limit_s: after which reading is given up.
        options: what `modelfile.read` is going to be told.

    Raises:
        ModelError: reading did not end in time, or killed the process. That the file is refused is
            left to be said by whoever reads it.
    """
    words = [sys.executable, "-m", "trainer.keras_import.sandbox", str(path), json.dumps(options)]
    try:
        done = subprocess.run(words, capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise _refusal(path, f"reading it did not end within {limit_s:g} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _refusal(path, f"reading it ended with status {done.returncode} {said}")


def _refusal(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path.name} is refused: it is damaged, or was made to harm whoever reads it",
        got=got,
        remedy="Save the model anew with Keras's model.save",
    )


def main(path: str, options: str) -> None:
    """Read a file in this process."""
    with contextlib.suppress(ModelError):
        reader.read(Path(path), **json.loads(options))


if __name__ == "__main__":
    main(*sys.argv[1:])
