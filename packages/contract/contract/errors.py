"""The errors of Lapwing.

    LapwingError
    ├── SettingError            a setting has a value it cannot take
    ├── FrameError              bytes that cannot become a frame
    │   ├── NotAJpegError       they are no JPEG at all
    │   └── BrokenFrameError    a JPEG that is truncated, corrupt or too large
    ├── RecordingError          a recording that cannot be read as a whole
    ├── StoreError              a frame store that is missing, damaged or of another schema
    ├── ModelError              a model version that is missing, damaged or made for other frames
    ├── TelemetryError          a message of the simulator that means nothing
    ├── TrainingError           a training that cannot start or had to stop
    │   └── ReaderDiedError     its reader was killed: run again, it goes on where it was
    ├── JobError                the job queue cannot be reached, or a job did not end well
    └── ServiceError            another service did not answer as agreed

Every message says what was wrong, what was found and what to do. They are translated only at the
doors: to an HTTP status, a failed job, a safe stop, an exit status.
"""

from __future__ import annotations

__all__ = [
    "BrokenFrameError",
    "FrameError",
    "JobError",
    "LapwingError",
    "ModelError",
    "NotAJpegError",
    "ReaderDiedError",
    "RecordingError",
    "ServiceError",
    "SettingError",
    "StoreError",
    "TelemetryError",
    "TrainingError",
]


class LapwingError(Exception):
    """Anything that Lapwing itself finds wrong.

    Args:
        what: what was wrong, as a clause without a full stop.
        got: what was found instead; left out of the message when None.
        remedy: what to do about it, as a sentence without a full stop.
    """

    def __init__(self, what: str, *, got: object = None, remedy: str = "") -> None:
        self.what = what
        self.got = got
        self.remedy = remedy
        found = "" if got is None else f": got {got}"
        super().__init__(f"{what}{found}. {remedy}".rstrip(" .") + ".")


class SettingError(LapwingError):
    """A setting has a value it cannot take."""


class FrameError(LapwingError):
    """Bytes that cannot become a frame."""


class NotAJpegError(FrameError):
    """Bytes that are no JPEG at all."""


class BrokenFrameError(FrameError):
    """A JPEG that is truncated, corrupt or too large."""


class RecordingError(LapwingError):
    """A recording that cannot be read as a whole."""


class StoreError(LapwingError):
    """A frame store that is missing, damaged or of another schema."""


class ModelError(LapwingError):
    """A model version that is missing, damaged or made for other frames."""


class TelemetryError(LapwingError):
    """A message of the simulator that means nothing."""


class TrainingError(LapwingError):
    """A training that cannot start or had to stop."""


class ReaderDiedError(TrainingError):
    """A reader process of a training was killed; run again, the training goes on where it was."""


class JobError(LapwingError):
    """The job queue cannot be reached, or a job did not end well."""


class ServiceError(LapwingError):
    """Another service did not answer as agreed."""
