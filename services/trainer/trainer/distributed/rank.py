"""The work of one worker of a training: it runs the loop that all others run, on its piece.

Rank 0 sends the driver what a training alone would write: checkpoints, progress, and log lines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import keras
import numpy as np

from contract.errors import LapwingError, ReaderDiedError
from contract.jobs.queue import PROGRESS_INTERVAL_S
from trainer.data import frame_source, pipeline, reader_count
from trainer.data.batches import BatchSource
from trainer.data.device import free_memory
from trainer.distributed import rank_plan
from trainer.distributed.data_parallel import DataParallelEngine
from trainer.distributed.messages import (
    DriverLink,
    EpochScores,
    LogLine,
    Message,
    ProgressUpdate,
    WorkerRefusal,
)
from trainer.distributed.process_group import ProcessGroup
from trainer.distributed.rank_plan import RankPlan
from trainer.distributed.rank_workspace import RankWorkspace, worker_folder
from trainer.settings import Settings
from trainer.training import devices, network_builder, precision, training_view
from trainer.training.devices import Devices
from trainer.training.loop import TrainingLoop

log = logging.getLogger(__name__)

NAME_BYTES: Final = 64
"""Bytes of a machine's name that are told."""


class Rank:
    """One worker of a training.

    Args:
        plan: the training.
        link: the way to the driver.
        group: the connection with the other workers.
        cores: number of cores that this worker and its readers may use.
        machine: the device of this worker; None asks JAX.
    """

    def __init__(
        self,
        plan: RankPlan,
        link: DriverLink,
        group: ProcessGroup,
        cores: int,
        machine: Devices | None = None,
    ) -> None:
        self._plan = plan
        self._link = link
        self._group = group
        self._cores = cores
        self._machine = machine
        token = np.frombuffer(secrets.token_bytes(16), np.uint32)
        self._name = group.gather(token[None])[0].tobytes().hex()
        self._unsent: dict[str, object] = {}
        self._sent_s = -PROGRESS_INTERVAL_S

    def run(self, settings: Settings) -> None:
        """Train until the end, from the newest checkpoint that the driver has.

        Args:
            settings: the settings of this machine, of which the data volume and the readers count.

        Raises:
            LapwingError: what the driver has been told already.
        """
        try:
            with contextlib.ExitStack() as stack:
                if not self._group.rank:
                    stack.enter_context(_lines_sent(self._send))
                self._train(settings)
                self._send_progress()
        except ReaderDiedError:
            raise  # another try may get further
        except LapwingError as error:
            self._link.post(self._name, WorkerRefusal.of(error))
            raise

    def _train(self, settings: Settings) -> None:
        plan, group = self._plan, self._group
        start = self._link.begin(self._name)
        state = start.state
        # Layers draw seeds when they are built, also where nothing is trained with them. JAX
        # refuses variables that differ among the workers.
        keras.utils.set_random_seed(plan.config.seed)
        with contextlib.ExitStack() as stack:
            stores = rank_plan.open_stores(settings.data_dir, plan.manifests, stack)
            machine = self._machine_of_all()
            precision.keep(state, plan.config.precision, machine)
            nodes = self._count_nodes()
            log.info("workers: %d, on %s", group.workers, ", ".join(nodes))
            self.report(workers=group.workers, nodes=nodes)
            frames = stack.enter_context(
                frame_source.open_frames(
                    stores,
                    pipeline.augmentation(plan.config),
                    batch=group.share.size(plan.config.batch),
                    readers=self._count_readers(settings, machine),
                    queue_bytes=settings.queue_mib << 20,
                    rows=training_view.visible_rows(network_builder.build(plan.config.network)),
                    device_free_bytes=free_memory.free_bytes() if machine.gpu else None,
                )
            )
            batches = BatchSource(
                plan.data.table,
                frames,
                [reader.blocks for reader in stores],
                plan.config.batch,
                state.shuffle,
                plan.config.seed,
                group.share,
            )
            folder = stack.enter_context(worker_folder())
            workspace = RankWorkspace(folder, plan.job_id, None if group.rank else self._send)
            workspace.restore(start)
            loop = TrainingLoop(
                plan.config,
                machine,
                plan.data,
                batches,
                workspace,
                state,
                plan.checkpoint_s,
                plan.start_weights,
                DataParallelEngine(group, plan.config.batch),
            )
            loop.run(self.report, self)

    def _count_nodes(self) -> dict[str, int]:
        """Return the number of workers on each machine, by its name."""
        name = socket.gethostname().encode()[:NAME_BYTES].ljust(NAME_BYTES, b"\0")
        told = self._group.gather(np.frombuffer(name, np.uint32)[None])
        names = [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in told]
        return dict(sorted(Counter(names).items()))

    def _machine_of_all(self) -> Devices:
        """Return the device of this worker, with bfloat16 only if all workers have it."""
        machine = self._machine or devices.configure()
        told = self._group.gather(np.array([[machine.gpu, machine.bfloat16]], np.uint32))
        bfloat16 = bool(told[:, 1].all())
        reason = machine.reason
        if machine.bfloat16 and not bfloat16:
            reason = "not every worker has bfloat16"
        return dataclasses.replace(machine, bfloat16=bfloat16, reason=reason)

    def _count_readers(self, settings: Settings, machine: Devices) -> int:
        if settings.readers:
            return settings.readers
        varied = pipeline.augmentation(self._plan.config).is_active and not machine.gpu
        return reader_count.choose(self._cores, gpu=machine.gpu, varied=varied)[0]

    def report(self, **fields: object) -> None:
        """Report the progress of the job, as a training alone would."""
        if self._group.rank:
            return
        self._unsent.update(fields)
        if time.monotonic() - self._sent_s >= PROGRESS_INTERVAL_S:
            self._send_progress()

    def _send_progress(self) -> None:
        if self._unsent:
            self._send(ProgressUpdate(self._unsent))
            self._unsent, self._sent_s = {}, time.monotonic()

    def epoch(self, epoch: int, metrics: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Log the metrics of an epoch, counted from 1, and the scores of its validation."""
        if not self._group.rank:
            self._send(EpochScores(epoch, metrics, scores))

    def _send(self, message: Message) -> None:
        self._link.post(self._name, message)


class _LineSender(logging.Handler):
    """Sends the lines that the trainer logs.

    Args:
        send: sends a message to the driver.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        self._send(LogLine(record.levelno, record.getMessage()))


@contextlib.contextmanager
def _lines_sent(send: Callable[[Message], None]) -> Iterator[None]:
    """Send the lines that the trainer logs while the `with` block runs."""
    logger, handler = logging.getLogger("trainer"), _LineSender(send)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
