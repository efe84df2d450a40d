"""A Ray cluster on this host: a head without CPUs, and nodes of one CPU each, with a token.

`python ray_cluster.py FOLDER NODE…` starts it and prints one line of JSON; it ends with its
standard input. RayCluster does so for a test.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

STORE_BYTES = 80_000_000
TOKEN = "7" * 64


def main() -> None:
    """Start the cluster, say where it is, and wait for the end of the standard input."""
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    def start(name: str, cpus: int, **options: Any) -> Any:
        parameters = RayParams(
            node_name=name,
            num_cpus=cpus,
            num_gpus=0,
            object_store_memory=STORE_BYTES,
            include_log_monitor=False,
            min_worker_port=0,
            max_worker_port=0,
            temp_dir=sys.argv[1],
            **options,
        )
        # Its processes end with this one.
        return Node(parameters, head="gcs_address" not in options, spawn_reaper=True)

    head = start("head", 0, include_dashboard=False, no_monitor=True)
    address = head.gcs_address
    nodes = {name: start(name, 1, gcs_address=address) for name in sys.argv[2:]}
    raylets = {name: node.all_processes["raylet"][0].process.pid for name, node in nodes.items()}
    server = head.all_processes["gcs_server"][0].process.pid
    print(json.dumps({"address": address, "head": server, "nodes": raylets}), flush=True)
    sys.stdin.read()


class RayCluster:
    """A cluster in processes of its own; use it as a context manager.

    Args:
        folder: folder with a short path, which must not exist, for sockets and logs.
        names: names of the nodes.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self._folder = folder
        self._names = names
        self.address = ""
        """Host and port of the head."""
        self.token_file = folder.with_suffix(".token")
        self._pids: dict[str, int] = {}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RayCluster:
        self.token_file.write_text(TOKEN)
        environ = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._folder), *self._names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        assert self._process.stdout is not None
        found = json.loads(self._process.stdout.readline())
        self.address = found["address"]
        self._pids = {"head": found["head"], **found["nodes"]}
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        with self._process:  # its pipes are closed
            pass
        for process in family:  # the kernel has killed most of them with their parent
            if process.is_running():
                process.kill()
        psutil.wait_procs(family, 30)
        self.token_file.unlink()

    def workers(self, name: str) -> list[psutil.Process]:
        """Return the processes of a node in which tasks run or ran."""
        return [
            child
            for child in psutil.Process(self._pids[name]).children(recursive=True)
            if child.is_running()
            and " ".join(child.cmdline()).startswith("ray::")
            and "Agent" not in " ".join(child.cmdline())
        ]

    def kill(self, name: str) -> None:
        """Kill a node, as if its machine lost its power: its raylet, and all that it started."""
        raylet = psutil.Process(self._pids[name])
        for process in (raylet, *raylet.children(recursive=True)):
            process.send_signal(signal.SIGKILL)

    def kill_head(self) -> None:
        """Kill the server of the head."""
        os.kill(self._pids["head"], signal.SIGKILL)


if __name__ == "__main__":
    main()
