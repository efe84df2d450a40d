"""Measures what Lapwing's smaller frame costs an imported network.

python -m bench.evaluation.imports

On 100 pictures of each recording it compares the steering of the imported network with the steering
of the same network for the whole picture, prepared as its author prepared it. It needs the model
files of LAPWING_SHARED.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bench import output
from bench.recordings import DATA
from contract.frames import preprocess
from contract.policy.litert import LiteRT
from trainer.export import litert
from trainer.graph import keras_backend, numpy_backend
from trainer.graph.layers import NetworkSpec
from trainer.jobs import import_model
from trainer.jobs.import_model import ImportOptions

MODELS = {
    "keras1.2.1_rgb2yuv_66x200.h5": ImportOptions("", crop=(60, 25), color="yuv"),
    "keras2.4.0_66x200.h5": ImportOptions("", "x/255", crop=(60, 25), color="yuv"),
}
PICTURES = 100


def authors(picture: np.ndarray, choices: ImportOptions) -> np.ndarray:
    """Return a picture (160, 320, 3) prepared as both authors did: crop, resize, YUV."""
    top, bottom = choices.crop
    part = cv2.resize(picture[top:-bottom], (200, 66), interpolation=cv2.INTER_AREA)
    yuv = cv2.cvtColor(part, cv2.COLOR_RGB2YUV).astype(np.float32)
    return yuv / np.float32(255) if choices.normalize else yuv


def others(network: NetworkSpec, pictures: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return the steering that Keras and LiteRT compute for the frames of pictures."""
    frames = np.stack([preprocess.prepare(each.read_bytes()) for each in pictures])
    built = keras_backend.build_model(network)
    with tempfile.TemporaryDirectory() as scratch:
        h5, tflite = Path(scratch) / "model.h5", Path(scratch) / "model.tflite"
        built.save(h5)
        litert.convert(h5, tflite)
        return np.asarray(built.predict_on_batch(frames))[:, 0], LiteRT(Path(scratch)).predict(
            frames
        )


def main() -> None:
    """Compare both models on both recordings, and show the figures."""
    options = output.arguments(__doc__).parse_args()
    rows: list[output.Row] = []
    for name, choices in MODELS.items():
        read, network = import_model.load_network(DATA / "legacy-models" / name, choices)
        for recording in ("lake", "jungle"):
            pictures = sorted((DATA / recording / "IMG").glob("center*.jpg"))
            pictures = pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES]
            jpegs = [path.read_bytes() for path in pictures]
            ours = numpy_backend.predict(
                network, np.stack([preprocess.prepare(jpeg) for jpeg in jpegs])
            )
            whole = np.stack([authors(preprocess.decode(jpeg), choices) for jpeg in jpegs])
            theirs = numpy_backend.predict(read.network, whole)
            apart = np.abs(ours - theirs)
            disagreement = max(
                float(np.abs(answers - ours[:, 0]).max()) for answers in others(network, pictures)
            )
            rows.append(
                {
                    "model": name,
                    "recording": recording,
                    "spread": float(theirs.std()),
                    "mean": float(apart.mean()),
                    "95 %": float(np.percentile(apart, 95)),
                    "largest": float(apart.max()),
                    "correlation": float(np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1]),
                    "Keras and LiteRT differ from NumPy by": f"{disagreement:.1e}",
                }
            )
    title = "What squeezing the frame costs an imported network"
    command = "python -m bench.evaluation.imports"
    output.finish(output.Result("imports", title, command, "", rows), options)


if __name__ == "__main__":
    main()
