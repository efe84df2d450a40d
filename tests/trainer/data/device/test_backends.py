"""What the device does is the same on each backend of Keras.

The whole tests of it run again with JAX, and with PyTorch where it is installed.
"""

from pathlib import Path

import pytest
from support import backends

HERE = Path(__file__).parent
FILES = [
    HERE.parent / "augmentation" / "test_device_augmentation.py",
    HERE.parent / "test_frame_source.py",
    HERE / "test_free_memory.py",
    HERE / "test_prefetch.py",
]


@pytest.mark.parametrize("backend", backends.OTHERS)
def test_frames_and_labels_are_the_same_on_other_backends(backend: str) -> None:
    backends.run_on(backend, FILES)
