"""The stream through its reader processes, against gathering the same frames in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.figures import Figure, rates
from contract import store
from trainer import index
from trainer.split import stretches
from trainer.stream import Stream

BATCH = 64


def measure(data: Path) -> list[Figure]:
    """Return samples a second, in a random order, of the stores below `data`."""
    manifests = store.manifests(data)
    readers = [store.open_store(data, manifest) for manifest in manifests]
    rows = [reader.rows for reader in readers]
    samples = index.training(
        rows, [np.ones(len(each), bool) for each in rows], [stretches(each) for each in rows],
        cameras=store.CAMERAS, correction=0.2, flip=False, history=0,
    )  # fmt: skip
    order = index.permutation(len(samples), 1, 1)
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    out = np.empty((BATCH, *store.FRAME_SHAPE), dtype=np.uint8)

    def gather() -> None:
        for numbers in batches:
            readers[0].gather(samples["frame"][numbers], out[: len(numbers)])

    contestants = {"gather in one process": gather}
    streams = {count: Stream(data, manifests, samples, readers=count, queue_bytes=64 << 20)
               for count in (1, 2)}  # fmt: skip
    for count, stream in streams.items():
        contestants[f"{count} reader{'s' * (count > 1)}"] = lambda stream=stream: [
            None for _ in stream.batches(batches)
        ]
    try:
        return rates("stream", "samples/s", len(samples), contestants)
    finally:
        for stream in streams.values():
            stream.close()
        for reader in readers:
            reader.close()
