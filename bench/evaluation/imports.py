"""Compares imported networks with their authors' own preparation of the picture.

python -m bench.evaluation.imports

On 100 pictures of each recording it compares the steering of the imported network with the steering
of the same network for the picture as its author prepared it: first with Lapwing's frame for the
network, and then with the network's frame made of a store's frame of 128 x 128 pixels, which is all
that an evaluation on a store can show it. It needs the model files of LAPWING_SHARED.
"""

from __future__ import annotations

import tempfile
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
    "keras1.2.1_rgb2yuv_66x200.h5": ImportOptions(
        "", crop=(60, 25), color="yuv", interpolation="area"
    ),
    "keras2.4.0_66x200.h5": ImportOptions(
        "", "x/255", crop=(60, 25), color="yuv", interpolation="area"
    ),
}
PICTURES = 100


def authors(picture: np.ndarray, choices: ImportOptions) -> np.ndarray:
    """Return a picture (160, 320, 3) prepared as both authors did: crop, resize, YUV."""
    top, bottom = choices.crop
    part = cv2.resize(picture[top:-bottom], (200, 66), interpolation=cv2.INTER_AREA)
    yuv = cv2.cvtColor(part, cv2.COLOR_RGB2YUV).astype(np.float32)
    return yuv / np.float32(255) if choices.normalize else yuv


def others(network: NetworkSpec, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the steering that Keras and LiteRT compute for frames."""
    built = keras_backend.build_model(network)
    with tempfile.TemporaryDirectory() as scratch:
        h5, tflite = Path(scratch) / "model.h5", Path(scratch) / "model.tflite"
        built.save(h5)
        litert.convert(h5, tflite)
        by_litert = LiteRT(Path(scratch), frames.shape[1:]).predict(frames)
        return np.asarray(built.predict_on_batch(frames))[:, 0], by_litert[:, 0]


def main() -> None:
    """Compare both models on both recordings, and show the figures."""
    options = output.arguments(__doc__).parse_args()
    rows: list[output.Row] = []
    for name, choices in MODELS.items():
        read, network = import_model.load_network(DATA / "legacy-models" / name, choices)
        frame = choices.frame_spec(network)
        for recording in ("lake", "jungle"):
            paths = sorted((DATA / recording / "IMG").glob("center*.jpg"))
            paths = paths[:: max(1, len(paths) // PICTURES)][:PICTURES]
            pictures = [preprocess.decode(path.read_bytes()) for path in paths]
            whole = np.stack([authors(picture, choices) for picture in pictures])
            theirs = numpy_backend.predict(read.network, whole)
            for shown, seen in (
                ("the picture", pictures),
                ("a stored frame", [preprocess.resize(picture) for picture in pictures]),
            ):
                frames = np.stack([preprocess.fit(picture, frame) for picture in seen])
                ours = numpy_backend.predict(network, frames)
                apart = np.abs(ours - theirs)
                disagreement = max(
                    float(np.abs(answers - ours[:, 0]).max()) for answers in others(network, frames)
                )
                rows.append(
                    {
                        "model": name,
                        "recording": recording,
                        "made of": shown,
                        "spread": float(theirs.std()),
                        "mean": float(apart.mean()),
                        "95 %": float(np.percentile(apart, 95)),
                        "largest": float(apart.max()),
                        "correlation": float(np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1]),
                        "Keras and LiteRT differ from NumPy by": f"{disagreement:.1e}",
                    }
                )
    title = "Imported networks beside their authors' own preparation of the picture"
    command = "python -m bench.evaluation.imports"
    output.finish(output.Result("imports", title, command, "", rows), options)


if __name__ == "__main__":
    main()
