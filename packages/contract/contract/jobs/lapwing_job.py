"""A job that calls only functions of our own, whatever Redis says of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from rq.exceptions import DeserializationError
from rq.job import Job

from contract.errors import JobError, ReaderDiedError
from contract.files import disk_space
from contract.jobs import deaths, queue

__all__ = ["LOG_FORMAT", "LapwingJob"]

log = logging.getLogger(__name__)

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LapwingJob(Job):
    """A job that runs only functions of `queue.JOB_TYPES`, with the callbacks of that table.

    RQ imports and calls whatever function a job names, also after its end, and opens any address as
    a "webhook". Otherwise everybody who can write to Redis could run commands on the worker's
    machine.
    """

    refused = ""
    """The first function or address that is not ours; "" if the job may run."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take the values that Redis holds; functions and addresses that are not ours are left out.

        RQ reads every job with this method, so no part of RQ ever sees them.
        """
        super().restore(raw_data)
        self.refused = next(self._foreign(), "")
        if self.refused:
            self._success_callback_name = None
            self._failure_callback_name = None
            self._stopped_callback_name = None
            self.webhooks = []

    def _foreign(self) -> Iterator[str]:
        try:
            function = self.func_name
        except DeserializationError:
            function = "a call that is no JSON"
        types = {job_type.function: job_type for job_type in queue.JOB_TYPES.values()}
        if function not in types:
            yield str(function)
            return
        if self._stopped_callback_name not in (None, "", types[function].on_stopped):
            yield f"{self._stopped_callback_name} as on_stopped"
        for name, when in (
            (self._success_callback_name, "on_success"),
            (self._failure_callback_name, "on_failure"),
        ):
            if name:
                yield f"{name} as {when}"
        for webhook in self.webhooks or ():
            yield f"{webhook.url} as webhook"

    def perform(self) -> object:
        """Run the job's function.

        Raises:
            JobError: the job names a function that is not in `queue.JOB_TYPES`, or it has used up
                its memory twice.
            DiskFullError: a write found no space; the job is not run again.
        """
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
        for logger in ("rq.worker", "numexpr"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        if self.refused:
            self.retries_left = 0
            log.error("job %s is refused: it names %s", self.id, self.refused)
            raise JobError(
                "the job names a function that Lapwing does not queue",
                got=self.refused,
                remedy="If an older release of Lapwing queued this job, run the command again",
            )
        log.info("job %s begins", self.id)
        try:
            with disk_space.explain_full():
                result = super().perform()
        except Exception as error:
            final = deaths.is_final(self, error)
            if deaths.counts(error):
                deaths.is_last_try(self)
            if not final:
                raise
            self.retries_left = 0
            if not isinstance(error, ReaderDiedError | MemoryError):
                raise
            what, remedy = deaths.describe_memory(self.origin)
            raise JobError(
                f"the job failed {deaths.TRIES} times, most likely for its memory ({what})",
                got=str(error).rstrip(".") or type(error).__name__,
                remedy=remedy,
            ) from error
        log.info("job %s is done", self.id)
        return result
