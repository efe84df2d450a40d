"""PyTorch with its layout for CPUs (channels last) and its fused Adam; eager or compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

# The numbers of the network nvidia-like in trainer/training/networks.toml.
CROP_TOP, CROP_BOTTOM, DROPOUT = 43, 12, 0.5
Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]


def network() -> Any:  # noqa: ANN401 - torch has no types here
    """Return the network, which takes scaled float32 (n, 3, 73, 128)."""
    convolutions = [(3, 24, 5, 2), (24, 36, 5, 2), (36, 48, 5, 2), (48, 64, 3, 1), (64, 64, 3, 1)]
    layers: list[Any] = []
    for inputs, filters, size, stride in convolutions:
        layers += [nn.Conv2d(inputs, filters, size, stride), nn.ELU()]
    layers += [nn.Dropout(DROPOUT), nn.Flatten(), nn.Linear(1152, 100), nn.ELU()]
    layers += [nn.Dropout(DROPOUT), nn.Linear(100, 50), nn.ELU(), nn.Linear(50, 10), nn.ELU()]
    return nn.Sequential(*layers, nn.Linear(10, 1)).to(memory_format=torch.channels_last)


def stepper(option: str) -> Callable[[Frames, Labels], None]:
    """Return the step; the option names what is on: "compile", "bfloat16", both or neither."""
    torch.manual_seed(1)
    model = network()
    adam = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7, amsgrad=True, fused=True)
    words = option.split("+")

    def loss_of(frames: Any, labels: Any) -> Any:  # noqa: ANN401
        # The memory of NHWC frames is that of channels last already: nothing is moved.
        seen = frames.permute(0, 3, 1, 2)[:, :, CROP_TOP : 128 - CROP_BOTTOM]
        scaled = seen.to(torch.float32) / 127.5 - 1
        with torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in words):
            return nn.functional.mse_loss(model(scaled)[:, 0].float(), labels)

    computed = torch.compile(loss_of, dynamic=False) if "compile" in words else loss_of

    def step(frames: Frames, labels: Labels) -> None:
        loss = computed(torch.from_numpy(frames), torch.from_numpy(labels))
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        float(loss)

    return step


def threads() -> int:
    """Return the number of threads within an operation."""
    return int(torch.get_num_threads())
