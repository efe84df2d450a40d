"""tf.data reads JPEG files, with a shuffle of all paths, a parallel map, and prefetch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from bench.training.loaders import BATCH
from bench.training.loaders.files import listed


def prepare(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.cast(tf.image.resize(image, (128, 128)), tf.uint8), label


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    paths, labels = listed(folder)
    data = (
        tf.data.Dataset.from_tensor_slices((paths, labels))
        .shuffle(len(paths))
        .repeat()
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    yield from data
