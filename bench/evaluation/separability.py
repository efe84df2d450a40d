"""Tells two kinds of pictures apart, and says how well: features, classifiers and their AUC.

The measure is the area under the ROC curve on pictures that the classifier was not trained on: the
probability that a picture of the second kind gets a higher score than one of the first. 0.5 is
chance, and 1 is perfect separation (Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample
Tests, arXiv 1610.06545).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from trainer import framework

BANDS: Final = 3
"""Bands of rows whose colours and edges are told separately, from the sky to the road."""
RIDGE: Final = 1.0
"""Weight of the squared coefficients, of standardised features: a prior of standard deviation 1."""
RESAMPLES: Final = 200
HOOD_ROW: Final = 106
"""First of the 128 rows in which the hood may be seen."""
EPOCHS: Final = 12

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)
Classifier = Callable[[NDArray[T], Labels, NDArray[T]], Floats]
"""Takes training inputs, their labels and test inputs; returns scores of the test inputs."""


@dataclass(frozen=True)
class Sample:
    """Pictures of both kinds.

    Args:
        pictures: Pictures, (N, 128, 128, 3).
        simulated: Whether each is of the second kind, (N,).
        fold: Number of the part that each is held out with, (N,).
        block: Number of the block of time of each, (N,): pictures of a block are alike.
    """

    pictures: Pictures
    simulated: Labels
    fold: NDArray[np.int64]
    block: NDArray[np.int64]


@dataclass(frozen=True)
class Separation:
    """Area under the ROC curve on held-out pictures, with its 95 % interval over blocks.

    The interval is for the classifiers as they were trained: that others would have been trained on
    other pictures is not in it.
    """

    auc: float
    low: float
    high: float


def groups(pictures: Pictures, seen: slice) -> dict[str, Floats]:
    """Return the features of some rows of pictures by what they describe, (N, F) each.

    Args:
        pictures: Pictures, (N, 128, 128, 3).
        seen: Rows that count.
    """
    values = pictures[:, seen].astype(np.float32) / 255
    bands = np.array_split(values, BANDS, axis=1)
    grey = values.mean(axis=3)
    steps = []
    for scale in (1, 4):
        small = np.array(
            [
                cv2.resize(each, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
                for each in grey
            ]
        )
        for band in np.array_split(small, BANDS, axis=1):
            steps += [np.abs(np.diff(band, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    rows = np.abs(np.diff(grey.mean(axis=2), axis=1))
    return {
        "mean colour": _join([band.mean(axis=(1, 2)) for band in bands]),
        "spread of colour": _join([band.std(axis=(1, 2)) for band in bands]),
        "edges": np.stack(steps, axis=1).astype(np.float64),
        "rows (horizon)": _join(
            [part.mean(axis=1)[:, None] for part in np.array_split(rows, 24, 1)]
        ),
        "lowest rows (hood)": _pool(values[:, HOOD_ROW - seen.start :], 3, 8),
    }


def _join(parts: list[Any]) -> Floats:
    return np.concatenate(parts, axis=1).astype(np.float64)


def _pool(values: NDArray[Any], rows: int, columns: int) -> Floats:
    return _join(
        [
            cell.mean(axis=(1, 2))
            for band in np.array_split(values, rows, axis=1)
            for cell in np.array_split(band, columns, axis=2)
        ]
    )


def logistic(inputs: Floats, labels: Labels, others: Floats) -> Floats:
    """Return the log odds of others, (M, F), by logistic regression with a ridge penalty."""
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
    rows = np.column_stack([(inputs - mean) / spread, np.ones(len(inputs))])
    signs = np.where(labels, 1.0, -1.0)
    penalty = np.append(np.full(inputs.shape[1], RIDGE), 0.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = signs * (rows @ weights)
        slopes = -signs / (1 + np.exp(np.clip(margins, -500, 500)))
        value = np.logaddexp(0, -margins).sum() + (penalty * weights**2).sum() / 2
        return float(value), rows.T @ slopes + penalty * weights

    found = optimize.minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(np.column_stack([(others - mean) / spread, np.ones(len(others))]) @ found.x)


def convolutional(inputs: Pictures, labels: Labels, others: Pictures) -> Floats:
    """Return the log odds of pictures by a small convolutional network, trained for EPOCHS."""
    framework.set_defaults(os.environ)
    import keras

    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            keras.layers.Rescaling(1 / 127.5, -1.0),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(8, 5, 2, activation="relu"),
            keras.layers.Conv2D(16, 3, 2, activation="relu"),
            keras.layers.Conv2D(16, 3, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    network.compile(keras.optimizers.Adam(3e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    network.fit(inputs, labels.astype(np.float32), batch_size=32, epochs=EPOCHS, verbose=0)
    return np.asarray(network.predict(others, verbose=0), dtype=np.float64)[:, 0]


def area(scores: Floats, labels: Labels) -> float:
    """Return the area under the ROC curve by the ranks of the scores (Mann and Whitney 1947)."""
    ranks = stats.rankdata(scores)
    ones = int(labels.sum())
    return float((ranks[labels].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones)))


def separate(sample: Sample, inputs: NDArray[T], classifier: Classifier[T]) -> Separation:
    """Return how well a classifier tells the kinds apart, trained without the fold it judges.

    Args:
        sample: Pictures, for their labels, folds and blocks.
        inputs: What the classifier is given of each picture.
        classifier: Classifier.
    """
    folds = np.unique(sample.fold)
    scores = np.zeros(len(sample.fold))
    for fold in folds:
        held = sample.fold == fold
        scores[held] = classifier(inputs[~held], sample.simulated[~held], inputs[held])
    rng = np.random.default_rng(1)
    parts = [
        [np.flatnonzero(mask & (sample.block == block)) for block in np.unique(sample.block[mask])]
        for fold in folds
        for kind in (False, True)
        for mask in [(sample.fold == fold) & (sample.simulated == kind)]
    ]

    def mean_area(chosen: list[NDArray[np.int64]]) -> float:
        pairs = zip(chosen[::2], chosen[1::2], strict=True)
        return float(
            np.mean(
                [area(scores[both], sample.simulated[both]) for both in map(np.concatenate, pairs)]
            )
        )

    found = mean_area([np.concatenate(blocks) for blocks in parts])
    drawn = [
        mean_area(
            [
                np.concatenate([blocks[k] for k in rng.integers(len(blocks), size=len(blocks))])
                for blocks in parts
            ]
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Separation(found, float(low), float(high))
