"""Joins a Ray cluster from the process of a job, for as long as the job needs it.

    with connection.join(settings) as ray:
        ray.get(...)

Ray's processes talk to each other through shared memory, so a driver needs a node of Ray on its own
machine. A job starts one for itself, without CPUs: no work is placed there, and whatever happens to
the other nodes, the job goes on. The kernel ends the node's processes together with the job's, also
when the job is killed; then Ray stops what the job had started on other nodes.

Nothing of Ray is imported before `join` is called.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import secrets
import signal
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from contract.cluster.head import HeadAddress
from contract.errors import ClusterError
from contract.files import locks
from contract.setting_forms import LOCAL_CLUSTER
from contract.settings import ClusterSettings

__all__ = ["join"]

OBJECT_STORE_BYTES: Final = 128 << 20
"""Memory of the job's own node for what it sends to the others; Ray takes no less than 75 MiB."""
FOLDER_NAME: Final = "lapwing-ray-"


@contextlib.contextmanager
def join(
    settings: ClusterSettings,
    *,
    object_store_bytes: int = OBJECT_STORE_BYTES,
    local_cpus: int | None = None,
    dashboard: bool = False,
) -> Iterator[Any]:
    """Connect this process to the cluster of LAPWING_CLUSTER, and yield the module `ray`.

    For "local" a cluster of one node is started on this machine, and ended with the block.

    Args:
        settings: settings that name a cluster.
        object_store_bytes: memory for objects on the job's own node, or on that of "local".
        local_cpus: number of CPUs of "local"; None stands for those of the machine.
        dashboard: whether "local" has a dashboard, on 127.0.0.1. Ray Train asks it.

    Raises:
        ClusterError: the head does not answer, or refuses this process; or Ray is not installed.
        SettingError: LAPWING_CLUSTER is no address.
    """
    head = None if settings.cluster == LOCAL_CLUSTER else HeadAddress.parse(settings.cluster)
    if importlib.util.find_spec("ray") is None:
        raise ClusterError(
            "Ray is not installed here, and LAPWING_CLUSTER asks for it",
            got=settings.cluster,
            remedy="In containers the image `cluster` has it (docker-compose.cluster.yml); "
            "elsewhere install lapwing-contract[cluster], or unset LAPWING_CLUSTER",
        )
    own_ip = "" if head is None else head.await_answer()
    with contextlib.ExitStack() as stack:
        # Ray reads these when it is imported or connects, and its processes inherit them.
        stack.enter_context(_environment(_variables(settings.cluster_token_file, head)))
        stack.enter_context(_signal_handlers())
        folder = stack.enter_context(_folder())
        import ray

        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": "WARNING",
            "_temp_dir": str(folder),
        }
        # A process that has joined before remembers the token of that time.
        raylet: Any = importlib.import_module("ray._raylet")
        raylet.AuthenticationTokenLoader.instance().reset_cache()
        with _explain_refusal(head):
            if head is None:
                options |= {"num_cpus": local_cpus, "include_dashboard": dashboard}
                options["object_store_memory"] = object_store_bytes
                stack.callback(ray.shutdown)
                ray.init(address=LOCAL_CLUSTER, **options)
            else:
                stack.enter_context(_own_node(head, own_ip, folder, object_store_bytes))
                stack.callback(ray.shutdown)
                ray.init(address=str(head), **options)  # finds the node by its folder
        yield ray


def _variables(token_file: str, head: HeadAddress | None) -> dict[str, str]:
    """Return the environment variables with which Ray is started.

    What Ray does about tokens depends on its release, on a file in the home of the user, and on who
    starts it; so it is always told.
    """
    variables = {"RAY_USAGE_STATS_ENABLED": "0"}
    if token_file:
        return {**variables, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": token_file}
    if head is None:  # nobody else needs to know it
        return {**variables, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    if "RAY_AUTH_MODE" in os.environ:
        return variables
    return {**variables, "RAY_AUTH_MODE": "disabled"}


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _signal_handlers() -> Iterator[None]:
    """Give SIGTERM back the handler that Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield a new folder for Ray's sockets and logs, and remove it, and those of killed jobs."""
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{FOLDER_NAME}*"):
        with contextlib.suppress(FileNotFoundError):  # another job removes it
            if left.stat().st_uid == os.getuid():
                locks.remove_abandoned(left)
    path = parent / f"{FOLDER_NAME}{uuid.uuid4().hex[:8]}"
    with locks.new_folder(path):
        try:
            yield path
        finally:
            locks.remove(path)


@contextlib.contextmanager
def _own_node(
    head: HeadAddress, own_ip: str, folder: Path, object_store_bytes: int
) -> Iterator[None]:
    """Run a node of the cluster without CPUs, which ends with this process at the latest."""
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    raylet: Any = importlib.import_module("ray._raylet")
    raylet.GcsClient(address=str(head))  # says at once what a node would try again for 20 s
    parameters = RayParams(
        gcs_address=str(head),
        node_ip_address=own_ip,
        node_name=f"lapwing-job-{os.getpid()}",
        num_cpus=0,
        num_gpus=0,
        object_store_memory=object_store_bytes,
        include_log_monitor=False,
        temp_dir=str(folder),
    )
    # `spawn_reaper` asks the kernel to end the node's processes when this one dies.
    node = Node(parameters, head=False, shutdown_at_exit=False, spawn_reaper=True)
    try:
        yield
    finally:
        node.kill_all_processes(check_alive=False, allow_graceful=True, wait=True)


@contextlib.contextmanager
def _explain_refusal(head: HeadAddress | None) -> Iterator[None]:
    """Turn what Ray says when it cannot join into an error that names the setting."""
    from ray.exceptions import AuthenticationError, RayError

    where = "Ray cannot be started here" if head is None else f"the Ray cluster at {head}"
    try:
        yield
    except AuthenticationError as error:
        raise ClusterError(
            f"{where} refuses this process, because its token is missing or another one",
            remedy="LAPWING_CLUSTER_TOKEN_FILE must name a file with the token of the head",
        ) from error
    except (RayError, RuntimeError, ValueError, OSError) as error:
        causes = [*_causes(error)]
        mismatch = next((str(each) for each in causes if "Version mismatch" in str(each)), "")
        if mismatch:
            raise ClusterError(
                f"{where} runs other versions than this process",
                got=" ".join(mismatch.removeprefix("Version mismatch:").split()),
                remedy="The head, the nodes and the workers of Lapwing must have the same releases "
                "of Ray and Python: run them from the same image `cluster`",
            ) from error
        raise ClusterError(
            where if head is None else f"{where}, which LAPWING_CLUSTER names, cannot be joined",
            got=" ".join(str(causes[-1]).split())[:300],
            remedy="docs/cluster.md tells what the machines need",
        ) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from, the first one last."""
    while True:
        yield error
        if error.__cause__ is None:
            return
        error = error.__cause__
