import subprocess
import sys

import pytest

from trainer import memory_cap

# In a process of its own: a cap that failed to be lifted would fail all that comes after.
SCRIPT = """
from trainer.memory_cap import capped
with capped(32 << 20):
    held = bytearray(8 << 20)
    try:
        bytearray(256 << 20)
    except MemoryError:
        print("none was given")
bytearray(256 << 20)
print("and again some")
"""


@pytest.mark.skipif(not memory_cap.STATUS.exists(), reason="the kernel is not Linux")
def test_more_is_not_given_inside_the_block() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["none was given", "and again some"], done.stderr
