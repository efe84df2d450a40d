import subprocess
import sys

import pytest

from trainer import safe_hdf5

# The script runs in its own process: a limit that is not lifted would fail all later tests.
SCRIPT = """
from trainer.safe_hdf5 import limit_memory
with limit_memory(32 << 20):
    held = bytearray(8 << 20)
    try:
        bytearray(256 << 20)
    except MemoryError:
        print("the large request failed")
bytearray(256 << 20)
print("and succeeded afterwards")
"""


@pytest.mark.skipif(not safe_hdf5.PROCESS_STATUS.exists(), reason="the kernel is not Linux")
def test_a_request_beyond_the_limit_fails_inside_the_block_only() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "the large request failed",
        "and succeeded afterwards",
    ], done.stderr
