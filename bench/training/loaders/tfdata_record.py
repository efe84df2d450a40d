"""tf.data reads a TFRecord of raw frames, with a shuffle buffer for a tenth of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from bench.training.loaders import BATCH
from bench.training.loaders.memory import everything


def write(path: Path, folder: Path) -> int:
    frames, labels = everything(folder)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for frame, label in zip(frames, labels, strict=True):
            features = {
                "frame": tf.train.Feature(bytes_list=tf.train.BytesList(value=[frame.tobytes()])),
                "label": tf.train.Feature(float_list=tf.train.FloatList(value=[label])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return len(frames)


def parse(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    features = {
        "frame": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.float32),
    }
    example = tf.io.parse_single_example(text, features)
    frame = tf.reshape(tf.io.decode_raw(example["frame"], tf.uint8), (128, 128, 3))
    return frame, example["label"]


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    path = folder / "frames.tfrecord"
    count = write(path, folder)
    data = (
        tf.data.TFRecordDataset(str(path))
        .repeat()
        .shuffle(max(BATCH, count // 10))
        .map(parse, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    yield from data
