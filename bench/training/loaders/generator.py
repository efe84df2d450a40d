"""Udacity's way: a generator reads, converts and resizes each image with OpenCV."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from bench.training.loaders import BATCH
from bench.training.loaders.files import listed


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    samples = list(zip(*listed(folder), strict=True))
    while True:
        random.shuffle(samples)
        for start in range(0, len(samples) - BATCH + 1, BATCH):
            images, angles = [], []
            for path, angle in samples[start : start + BATCH]:
                image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
                images.append(cv2.resize(image, (128, 128)))
                angles.append(angle)
            yield np.array(images), np.array(angles)
