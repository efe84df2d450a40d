"""PyTorch's DataLoader reads JPEG files with two workers. It needs bench/requirements.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bench.training.loaders import BATCH
from bench.training.loaders.files import listed


class Frames(Dataset):
    def __init__(self, folder: Path) -> None:
        self.paths, self.labels = listed(folder)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, float]:
        image = cv2.cvtColor(cv2.imread(self.paths[index]), cv2.COLOR_BGR2RGB)
        return torch.from_numpy(cv2.resize(image, (128, 128))), self.labels[index]


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    loader = DataLoader(
        Frames(folder),
        batch_size=BATCH,
        shuffle=True,
        num_workers=2,
        drop_last=True,
        persistent_workers=True,
    )
    while True:
        yield from loader
