"""Writes a version as ONNX, and checks with ONNX Runtime that it steers as the version does.

The graph is built from model.h5, which is read as data (graph/onnx_backend.py). tf2onnx, with which
Keras exports ONNX, was tried: it took 7 s, and a network with all kinds of layers steered otherwise
by 0.05.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from contract.errors import TrainingError
from contract.files import atomic_files
from contract.models import golden
from contract.models.registry import H5, ModelManifest, Registry
from contract.policy.answer import SPEED_UNIT_MPH, output_count
from trainer.graph import onnx_backend
from trainer.graph.onnx_backend import INPUT, OUTPUT
from trainer.keras_import import reader


def export(registry: Registry, version: int, out: Path) -> dict[str, Any]:
    """Write a version of the registry as the file `out`; an older file is replaced.

    Args:
        registry: the model registry.
        version: number of the version.
        out: path of the file, .onnx.

    Returns:
        The version, the path and size of the file, and how much the answers to the golden frames
        differ.

    Raises:
        ModelError: there is no such version, it is damaged, or has an activation without operator.
        TrainingError: the ONNX model does not steer as the version does.
    """
    manifest = registry.verify(version)
    folder = registry.path(version)
    part = atomic_files.temporary_path(out)
    atomic_files.make_folder(out.parent)
    try:
        model = onnx_backend.build_model(reader.read(folder / H5, whole=True).network)
        _describe(model, manifest)
        onnx.save(model, str(part))
        difference = check(part, golden.read(folder / golden.FILE))
        atomic_files.fsync(part)
        atomic_files.rename(part, out)
    finally:
        part.unlink(missing_ok=True)
    return {
        "version": version,
        "format": "onnx",
        "path": str(out.absolute()),
        "bytes": out.stat().st_size,
        "golden_frames": golden.COUNT,
        "largest_difference": difference,
    }


def check(path: Path, expected: golden.Golden) -> float:
    """Return the largest difference of an ONNX file's answers from those to the golden frames.

    Raises:
        TrainingError: it is above golden.TOLERANCE, or not a number.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    [answers] = session.run([OUTPUT], {INPUT: expected.frames})
    found = np.asarray(answers)
    if found.shape != expected.answers.shape:
        raise TrainingError(
            "the ONNX model does not answer as the version does",
            got=f"answers of shape {found.shape}, not {expected.answers.shape}",
        )
    difference = float(np.abs(found - expected.answers).max())
    if not difference <= golden.TOLERANCE:  # written so that NaN is refused
        raise TrainingError(
            "the ONNX model does not steer as the version does",
            got=f"a difference of {difference:.3g} in steering",
            remedy=f"A difference of at most {golden.TOLERANCE:g} is accepted",
        )
    return difference


def _describe(model: onnx.ModelProto, manifest: ModelManifest) -> None:
    """Write into the model what it is, and what its frames must be."""
    model.producer_name = "Lapwing"
    model.doc_string = (
        "Steering of a car, -1 full left to 1 full right, from frames of its centre camera."
    )
    if output_count(manifest.config) == 2:
        model.doc_string += f" The second number is its speed, in units of {SPEED_UNIT_MPH:g} mph."
    properties = {
        "lapwing.version": str(manifest.version),
        "lapwing.sha256": manifest.sha256,
        "lapwing.frame_spec": json.dumps(manifest.frame_spec),
    }
    onnx.helper.set_model_props(model, properties)
