"""Against eventlet's own, in a process of its own: the tests' must not know eventlet."""

import importlib.metadata
import subprocess
import sys

import pytest

from driver_bridge.masking import apply_mask

COMPARED = """
import inspect, random, warnings
warnings.simplefilter("ignore")
from eventlet.websocket import RFC6455WebSocket
from driver_bridge.masking import apply_mask
theirs = inspect.getattr_static(RFC6455WebSocket, "_apply_mask")
assert isinstance(theirs, staticmethod)
# What server.py puts a reader of its own in the place of, and what that reader calls.
for method, parameters in (("wait", ["self"]), ("send", ["self", "message", "kw"]),
                           ("close", ["self", "close_data"])):
    assert list(inspect.signature(getattr(RFC6455WebSocket, method)).parameters) == parameters
dice = random.Random(1)
for size in [*range(12), 1000, 18_001]:
    for offset in range(5):
        data, mask = dice.randbytes(size), list(dice.randbytes(4))
        assert apply_mask(data, mask, size, offset) == theirs(data, mask, size, offset), size
        assert apply_mask(data, mask) == theirs(data, mask), size
"""


def test_the_release_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("eventlet").startswith("0.41.")


def test_it_does_what_eventlet_does_and_the_rest_is_as_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", COMPARED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_rfcs_own_example() -> None:
    masked = bytes([0x7F, 0x9F, 0x4D, 0x51, 0x58])
    assert apply_mask(masked, [0x37, 0xFA, 0x21, 0x3D]) == b"Hello"


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 20_000])
def test_twice_is_not_at_all(size: int) -> None:
    data, mask = bytes(range(256)) * (size // 256 + 1), [1, 2, 3, 250]
    assert apply_mask(apply_mask(data[:size], mask), mask) == data[:size]
