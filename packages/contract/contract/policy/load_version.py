"""A published version of a model, computed here: any version, whether it is served or not.

Its LiteRT twin is loaded as inference loads it: verified by its manifest's digests, and made to
answer its golden frames first (docs/adr/0008-model-files.md).
"""

from __future__ import annotations

from collections.abc import Callable

from contract.errors import ModelError
from contract.frames.preprocess import Frame
from contract.models.registry import ModelManifest, Registry
from contract.policy import policy
from contract.policy.litert import LiteRT

__all__ = ["load"]


def load(registry: Registry, version: int | None) -> tuple[ModelManifest, Callable[[Frame], float]]:
    """Return a version's manifest, and what steers by it: a frame (128, 128, 3) in, -1..1 out.

    Args:
        registry: of models.
        version: None takes the current one.

    Raises:
        ModelError: there is none, it is damaged, was made for other frames, or does not answer as
            it did where it was made.
    """
    chosen = registry.current() if version is None else version
    if chosen is None:
        raise ModelError(
            "no model was published yet", got=str(registry.root), remedy="`lapwing train` makes one"
        )
    loaded = policy.load(registry, chosen, LiteRT)
    return loaded.manifest, loaded.steer
