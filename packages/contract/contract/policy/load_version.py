"""Loads any published version of a model into this process, whether inference serves it or not.

The version is loaded in the same way as in inference: its files are compared with the digests of
its manifest, and it must answer its golden frames correctly (docs/adr/0008-model-files.md).
"""

from __future__ import annotations

from collections.abc import Callable

from contract.errors import ModelError
from contract.frames.preprocess import Frame
from contract.models.registry import ModelManifest, Registry
from contract.policy import policy
from contract.policy.litert import LiteRT
from contract.policy.policy import LoadedPolicy

__all__ = ["load", "load_policy"]


def load(registry: Registry, version: int | None) -> tuple[ModelManifest, Callable[[Frame], float]]:
    """Return the manifest of a version, and a function that steers with it, as `load_policy` does.

    The function takes a decoded picture, uint8 RGB of shape (height, width, 3), and returns the
    steering, -1..1. It prepares the picture as the version's frame spec says. Frames of a store are
    pictures of 128 x 128 pixels: for a version that Lapwing trained nothing is done with them.

    Raises:
        ModelError: as `load_policy`.
    """
    loaded = load_policy(registry, version)
    return loaded.manifest, loaded.steer_picture


def load_policy(registry: Registry, version: int | None) -> LoadedPolicy:
    """Load a version.

    Args:
        registry: the model registry.
        version: the version to load; None loads the current one.

    Raises:
        ModelError: there is no such version, it is damaged, was made for other frames, or gives
            other answers than on the machine that made it.
    """
    number = registry.current() if version is None else version
    if number is None:
        raise ModelError(
            "no model was published yet", got=str(registry.root), remedy="`lapwing train` makes one"
        )
    return policy.load(registry, number, LiteRT)
