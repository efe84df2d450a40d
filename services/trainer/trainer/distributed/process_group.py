"""The processes that train one network together, and what they tell each other.

JAX connects them: with gloo between CPUs, with NCCL between GPUs. What one process tells all others
goes through the same connection as the gradients. So processes that are not connected, each of
which would train alone, cannot agree on anything either, and the proof of the epoch shows it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from contract.errors import TrainingError
from trainer.data.batches import BatchShare

Words = npt.NDArray[np.uint32]


class ProcessGroup:
    """The connection of this process with the others; each has one device.

    Use `join` to make one.

    Args:
        rank: number of this process, from 0.
        workers: number of processes.
        distribution: Keras's distribution over their devices.
    """

    def __init__(
        self, rank: int, workers: int, distribution: keras.distribution.DataParallel
    ) -> None:
        self.rank = rank
        self.workers = workers
        self._distribution = distribution
        self._mesh = distribution.device_mesh.backend_mesh

    @property
    def share(self) -> BatchShare:
        """The piece of each batch that this process has."""
        return BatchShare(self.rank, self.workers)

    @property
    def replicated(self) -> Any:  # noqa: ANN401 - JAX publishes no types here
        """The sharding of arrays that each process has as a whole."""
        import jax

        return jax.sharding.NamedSharding(self._mesh, jax.sharding.PartitionSpec())

    def join_rows(self, rows: Any) -> Any:  # noqa: ANN401 - JAX publishes no types
        """Return one array of the rows of all processes, which stay where they are.

        Args:
            rows: (n, ...), the rows of this process; n is the same in all of them.

        Returns:
            An array of JAX, (n x workers, ...), in the order of the ranks.
        """
        import jax

        # The axis of the batches is the only one of the mesh.
        spec = jax.sharding.PartitionSpec(self._mesh.axis_names[0])
        return jax.make_array_from_process_local_data(
            jax.sharding.NamedSharding(self._mesh, spec), rows
        )

    def replicate(self, variables: Iterable[Any]) -> None:
        """Give each process all values of variables of Keras; they are the same in all of them.

        Keras does so with weights, and with the optimizer's variables only after the first step,
        which it would then compile twice.
        """
        import jax

        for variable in variables:
            value = np.asarray(variable.value)
            variable.assign(jax.device_put(value, self.replicated))

    def gather(self, rows: Words) -> Words:
        """Return the rows of all processes in each of them, bit by bit, in the order of the ranks.

        Args:
            rows: (n, columns), the rows of this process; the shape is the same in all of them.

        Returns:
            An array (n x workers, columns).
        """
        return np.asarray(self._replicate(self.join_rows(rows)))

    def broadcast(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the values that rank 0 has, bit by bit, in all processes.

        Args:
            values: (n,), the values of this process.
        """
        # JAX would round them to 32 bits.
        words = np.ascontiguousarray(values).view(np.uint32)
        return np.asarray(self.gather(words[None])[0].view(np.float64))

    @functools.cached_property
    def _replicate(self) -> Any:  # noqa: ANN401 - JAX publishes no types
        import jax

        return jax.jit(_unchanged, out_shardings=self.replicated)


def join(rank: int, workers: int, address: str) -> ProcessGroup:
    """Connect this process with the others of its training, and let Keras compute with all of them.

    `jax.distributed.initialize` was called before, and nothing was computed since.

    Args:
        rank: number of this process, from 0.
        workers: number of processes.
        address: address at which the others reach this process.

    Raises:
        TrainingError: this process is not connected with the others, or has not one device.
    """
    import jax

    if "cpu" in str(jax.config.jax_platforms):
        _announce(address)
    if keras.backend.backend() != "jax":
        raise TrainingError(
            "a worker of a training computes with another backend of Keras than JAX",
            got=keras.backend.backend(),
            remedy="Set KERAS_BACKEND=jax in the worker's environment",
        )
    found = (jax.process_count(), jax.process_index(), jax.local_device_count())
    if found != (workers, rank, 1):
        # Without this check each process would train alone, and nothing would tell it.
        raise TrainingError(
            "the workers of a training are not connected with each other",
            got=f"worker {found[1]} of {found[0]} with {found[2]} devices, not worker {rank} of "
            f"{workers} with one",
            remedy="Give each worker one CPU or one GPU, and look into the logs of the nodes",
        )
    distribution = keras.distribution.DataParallel(
        devices=[f"{device.platform}:{device.id}" for device in jax.devices()],
        auto_shard_dataset=False,
    )
    keras.distribution.set_distribution(distribution)
    return ProcessGroup(rank, workers, distribution)


def _announce(address: str) -> None:
    """Let gloo listen at an address of this machine, and tell the others that address.

    By itself it takes the address of the machine's name, which on many machines is 127.0.0.1 or
    127.0.1.1: then others would look for this process on their own machines. JAX has no setting for
    it, but its function that makes the client of the CPU takes the connection.
    """
    from jax._src import distributed, xla_bridge
    from jaxlib import _jax

    def make_client() -> Any:  # noqa: ANN401 - JAX publishes no types
        client = distributed.global_state.client
        if client is None:  # nothing connects this process: `join` says so
            return xla_bridge.make_cpu_client()
        return xla_bridge.make_cpu_client(
            _jax.make_gloo_tcp_collectives(distributed_client=client, hostname=address)
        )

    xla_bridge.register_backend_factory("cpu", make_client, priority=0, fail_quietly=False)


def _unchanged(value: Any) -> Any:  # noqa: ANN401 - JAX publishes no types
    return value
