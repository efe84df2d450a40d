"""Trains on the workers of a Ray cluster, with Ray Train.

The process of the job is the driver. It holds the workspace on the model volume, and takes what the
workers send from an actor on its own machine. Ray starts the workers, connects them, and starts
them again when one of them is lost, then as many as there is room for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.cluster import connection, lifeline, release
from contract.cluster.head_watch import HeadWatch
from contract.cluster.lifeline import Lifeline
from contract.errors import ClusterError, ClusterLostError, LapwingError, SettingError
from trainer.data import reader_count
from trainer.distributed.exchange import MessageExchange
from trainer.distributed.messages import Checkpoint, Message, WorkerRefusal
from trainer.distributed.rank_plan import RankPlan
from trainer.distributed.receiver import Receiver
from trainer.settings import Settings
from trainer.training.run_state import TrainingState

log = logging.getLogger(__name__)

PACKAGES: Final = ("contract", "trainer")
"""Packages whose source must be the same on the nodes."""
MAX_FAILURES: Final = 20
"""How often Ray starts the workers again within one try of the job."""
POLL_S: Final = 0.2
"""Time in seconds between two looks at what the workers have sent."""
SPARE_BYTES: Final = 128 << 20
"""Memory of the object store beside the plan."""
CPU_COST: Final = 3.6
"""Time of a CPU for a sample with JAX, as a multiple of that with TensorFlow; measured in batches
of 64 of the network nvidia-like (docs/adr/0015-data-parallel.md)."""


@dataclass(frozen=True)
class WorkerSlots:
    """What a cluster has for the workers of a training."""

    gpus: int
    cpus: int

    @classmethod
    def of(cls, resources: Mapping[str, float]) -> WorkerSlots:
        """Return the slots in the resources of a cluster, as Ray names them."""
        return cls(int(resources.get("GPU", 0)), int(resources.get("CPU", 0)))

    @property
    def count(self) -> int:
        """Number of workers that there is room for: one on each GPU, or else on each CPU."""
        return self.gpus or self.cpus

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of a worker."""
        platform = "cuda" if self.gpus else "cpu"
        variables = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": platform}
        # A worker has one CPU of its node: by itself XLA would compute on all of them.
        return variables if self.gpus else {**variables, "PJRT_NPROC": "1"}

    @property
    def resources(self) -> dict[str, float]:
        """What each worker takes."""
        return {"GPU": 1, "CPU": 1} if self.gpus else {"CPU": 1}

    def check(self, workers: int, state: TrainingState) -> None:
        """Check that there is room for the workers, and log what is worth knowing.

        A training that has begun goes on with those that are left: it was started with all.

        Raises:
            ClusterError: there is less room, and the training has not begun.
        """
        found = f"{self.gpus} GPUs" if self.gpus else f"{self.cpus} CPUs and no GPU"
        if workers > self.count:
            if not (state.epoch or state.unfinished):
                raise ClusterError(
                    f"the cluster has no room for {workers} workers",
                    got=found,
                    remedy=f"Train with --workers {max(self.count, 1)}, or add nodes",
                )
            log.warning("the cluster has %s left for %d workers", found, workers)
        if not self.gpus:
            log.warning(
                "the cluster has no GPU. On CPUs the workers take %.1f times as much time of a CPU "
                "for a sample as a training without --workers, which is faster than a few of them",
                CPU_COST,
            )


class RayWorkers:
    """The workers of one training on the cluster of LAPWING_CLUSTER.

    Args:
        settings: the settings of the trainer.
        count: maximum number of workers.

    Raises:
        SettingError: no cluster is set, or the number is none.
    """

    def __init__(self, settings: Settings, count: int) -> None:
        if type(count) is not int or count < 1:
            raise SettingError(
                "--workers has a value it cannot take",
                got=repr(count),
                remedy="It must be a number from 1",
            )
        if not settings.cluster:
            raise SettingError(
                "--workers needs a Ray cluster, and the trainer knows of none",
                got=f"--workers {count}, and LAPWING_CLUSTER is empty",
                remedy="Set LAPWING_CLUSTER for the trainer, or leave out --workers",
            )
        self._settings = settings
        self._count = count

    def train(self, plan: RankPlan, receiver: Receiver) -> None:
        """Train until the end, as `Workers.train` says.

        Raises:
            ClusterError: the cluster cannot be joined, has no room, or failed before it got on.
            ClusterLostError: it failed after it got on, so that another try of the job may end it.
            LapwingError: a worker refused the training.
        """
        size = plan.data.table.samples.nbytes + 8 * len(plan.data.table.samples)
        with contextlib.ExitStack() as stack:
            ray = stack.enter_context(
                connection.join(self._settings, object_store_bytes=SPARE_BYTES + 2 * size)
            )
            slots = WorkerSlots.of(ray.cluster_resources())
            slots.check(self._count, receiver.state)
            context = ray.get_runtime_context()
            own = context.get_node_id()
            address = next(
                node["NodeManagerAddress"] for node in ray.nodes() if node["NodeID"] == own
            )
            watch = HeadWatch(context.gcs_address)
            line = stack.enter_context(Lifeline(address))
            exchange = _exchange_on(ray, own, receiver.newest())
            work = {
                "plan": ray.put(plan),
                "exchange": exchange,
                "lifeline": line.address,
                "source": release.digest(PACKAGES),
            }
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            fit = _Fit(lambda: _trainer(slots, self._count, work, folder).fit())
            before = _progress(receiver.state)
            fit.start()
            while fit.is_alive():
                self._take(ray, exchange, receiver)
                watch.look()
                fit.join(POLL_S)
            self._take(ray, exchange, receiver)
            if fit.error is not None:
                _raise(fit.error, got_on=_progress(receiver.state) != before)

    @staticmethod
    def _take(ray: Any, exchange: Any, receiver: Receiver) -> None:  # noqa: ANN401 - Ray's
        for message in ray.get(exchange.take.remote()):
            receiver.take(message)


class _Fit(threading.Thread):
    """Runs Ray Train's `fit`, which returns only at the end, beside the driver's own work."""

    def __init__(self, fit: Callable[[], object]) -> None:
        super().__init__(name="ray-train", daemon=True)
        self._fit = fit
        self.error: Exception | None = None

    def run(self) -> None:
        """Run it, and keep its error for the driver."""
        try:
            self._fit()
        except Exception as error:  # noqa: BLE001 - the driver raises it
            self.error = error


def _progress(state: TrainingState) -> tuple[int, int]:
    return state.epoch, 0 if state.unfinished is None else state.unfinished.batches


def _raise(error: Exception, *, got_on: bool) -> None:
    """Raise what Ray Train says, in one line."""
    reason = " ".join(str(error).split())[-400:] or type(error).__name__
    if got_on:
        raise ClusterLostError(
            "the workers of the training were lost",
            got=reason,
            remedy="The training goes on from its last checkpoint",
        ) from error
    raise ClusterError(
        "the workers of the training fail again and again",
        got=reason,
        remedy="The logs of the nodes tell more; docs/cluster.md tells what the machines need",
    ) from error


def _exchange_on(ray: Any, node: str, start: Checkpoint) -> Any:  # noqa: ANN401 - Ray publishes types of its own
    """Start the exchange of messages as an actor on a node: it lives as long as the driver's."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    actor = ray.remote(MessageExchange).options(
        num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
    )
    return actor.remote(start)


def _trainer(slots: WorkerSlots, count: int, work: Mapping[str, object], folder: str) -> Any:  # noqa: ANN401 - Ray publishes types of its own
    """Return Ray Train's trainer; it stores nothing of its own that matters."""
    # The data volume of a node may be named by a relative path.
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax import JaxConfig, JaxTrainer

    return JaxTrainer(
        _work,
        train_loop_config={"work": dict(work)},
        # On CPUs, too, only this makes Ray connect the workers. What they compute on is told by
        # JAX_PLATFORMS. Without it each worker trains alone; `process_group.join` would refuse.
        jax_config=JaxConfig(use_gpu=True),
        scaling_config=ScalingConfig(
            num_workers=(1, count) if count > 1 else 1,
            use_gpu=bool(slots.gpus),
            resources_per_worker=slots.resources,
        ),
        run_config=RunConfig(
            storage_path=folder,
            failure_config=FailureConfig(max_failures=MAX_FAILURES),
            worker_runtime_env={"env_vars": slots.environment},
        ),
    )


class _ActorLink:
    """The way to the driver through its exchange."""

    def __init__(self, exchange: Any) -> None:  # noqa: ANN401 - Ray's
        self._exchange = exchange

    def begin(self, group: str) -> Checkpoint:
        import ray

        checkpoint: Checkpoint = ray.get(self._exchange.begin.remote(group))
        return checkpoint

    def post(self, group: str, message: Message) -> None:
        import ray

        ray.get(self._exchange.post.remote(group, message))


def _work(config: Mapping[str, Any]) -> None:
    """Do the work of one worker; Ray Train calls this in a process of a node."""
    import ray
    from ray import train

    from contract.settings import load
    from trainer.distributed import process_group
    from trainer.distributed.rank import Rank

    work = config["work"]
    lifeline.hold(work["lifeline"])
    context = train.get_context()
    try:
        release.check(PACKAGES, work["source"])
        group = process_group.join(
            context.get_world_rank(), context.get_world_size(), ray.util.get_node_ip_address()
        )
    except LapwingError as error:
        ray.get(work["exchange"].refuse.remote(WorkerRefusal.of(error)))
        raise
    # A worker with a GPU shares the cores of its node with those on the other GPUs.
    cores = 1
    if os.environ["JAX_PLATFORMS"] == "cuda":
        cores = max(1, reader_count.usable_cores() // context.get_local_world_size())
    Rank(ray.get(work["plan"]), _ActorLink(work["exchange"]), group, cores).run(
        load(Settings, os.environ)
    )
