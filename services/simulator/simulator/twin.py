"""A published version of a model, computed here: any version, whether it is served or not.

Its LiteRT twin is loaded as inference loads it: verified by its manifest's digests, and made to
answer its golden frames first (docs/adr/0008-model-files.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from contract import framespec, golden
from contract.errors import ModelError
from contract.frame import Frame
from contract.registry import TFLITE, ModelManifest, Registry


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
    manifest = registry.verify(chosen)
    if manifest.frame_spec != framespec.SPEC:
        raise ModelError(
            f"model version {chosen} was trained on other frames than are prepared here",
            got=manifest.frame_spec,
            remedy="Import and train with this release",
        )
    for name in (TFLITE, golden.FILE):
        if name not in manifest.files:
            raise ModelError(
                f"the manifest of model version {chosen} lists no {name}",
                got=sorted(manifest.files),
                remedy="Train or import again",
            )
    folder = registry.path(chosen)
    answer = _network((folder / TFLITE).read_bytes())
    known = golden.read(folder / golden.FILE)
    given = np.array([answer(each) for each in known.frames])
    difference = float(np.abs(given - known.steering).max())
    if not difference <= golden.TOLERANCE:  # so that NaN is refused
        raise ModelError(
            f"model version {chosen} does not answer its golden frames as it did where it was made",
            got=f"a difference of {difference:.3g} in steering",
            remedy=f"At most {golden.TOLERANCE:g} may be: take another version, or train again",
        )

    def steer(seen: Frame) -> float:
        steering = answer(seen)
        if not math.isfinite(steering):
            raise ModelError(
                f"model version {chosen} answers with no number",
                got=steering,
                remedy="Take another version, or train again",
            )
        return max(-1.0, min(1.0, steering))

    return manifest, steer


def _network(content: bytes) -> Callable[[Frame], float]:
    """Return what computes a twin, one frame at a time on one thread."""
    try:
        interpreter: Any = Interpreter(model_content=content, num_threads=1)
        source, target = interpreter.get_input_details(), interpreter.get_output_details()
        shapes = [[int(n) for n in each["shape"]] for each in (*source, *target)]
        if shapes != [[1, framespec.HEIGHT, framespec.WIDTH, framespec.CHANNELS], [1, 1]]:
            raise ValueError(f"it takes and gives {shapes}, not one frame and one number")
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{TFLITE} cannot be loaded by LiteRT", got=error, remedy="Train or import again"
        ) from error

    def answer(seen: Frame) -> float:
        # Pixels stay 0..255: the network crops and scales by itself.
        interpreter.set_tensor(source[0]["index"], seen[None].astype(source[0]["dtype"]))
        interpreter.invoke()
        return float(interpreter.get_tensor(target[0]["index"]).item())

    return answer
