"""What is said where no cluster can be joined. Real clusters: test_ray_tasks.py."""

import os
import subprocess
import sys
import time

from support.house import ROOT
from support.services import running

JOIN = """
import sys
from types import SimpleNamespace
from contract.cluster import connection
from contract.errors import ClusterError
try:
    with connection.join(SimpleNamespace(cluster=sys.argv[1], cluster_token_file="")):
        print("joined")
except ClusterError as error:
    print(error)
print("imported", [name for name in ("ray", "pyarrow") if name in sys.modules])
"""


def join(address: str, *options: str, **environ: str) -> str:
    """Return what a process says that joins a cluster."""
    done = subprocess.run(
        [sys.executable, *options, "-c", JOIN, address],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_head_that_does_not_answer_is_told_within_10_s_and_without_ray() -> None:
    began = time.monotonic()
    said = join(f"127.0.0.1:{running.free_port()}")
    assert time.monotonic() - began < 10
    assert "LAPWING_CLUSTER must be the address of a running head" in said
    assert "imported []" in said


def test_where_ray_is_not_installed_the_image_that_has_it_is_named() -> None:
    """Without site-packages there is no Ray, as in the images of the services."""
    said = join("local", "-S", PYTHONPATH=str(ROOT / "packages/contract"))
    assert "Ray is not installed here, and LAPWING_CLUSTER asks for it: got local" in said
    assert "the image `cluster`" in said
    assert "lapwing-contract[cluster]" in said
