"""Sets the environment variables that TensorFlow reads when it is imported."""

from __future__ import annotations

import platform
from collections.abc import MutableMapping

__all__ = ["set_defaults"]


def set_defaults(environ: MutableMapping[str, str], machine: str | None = None) -> None:
    """Set what is not set yet, before TensorFlow is imported.

    TensorFlow uses oneDNN by itself only on CPUs with instructions for networks (VNNI, bfloat16).
    On a CPU that ends with AVX2, a training step takes 0.6 times as long with it
    (docs/adr/0012-training-step.md).

    Args:
        environ: the environment of the process.
        machine: the architecture; None asks the system. Others than x86 were not measured.
    """
    # Without this, TensorFlow logs at each start how it was compiled; errors are still logged.
    environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if (machine or platform.machine()).lower() in ("x86_64", "amd64"):
        environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
