"""The errors that Lapwing raises.

    LapwingError
    ├── SettingError            a setting has a value that is not allowed
    ├── FileAccessError         a file may not be read or written by this user
    ├── DiskFullError           a disk has too little free space
    ├── FrameError              an image cannot be made into a frame
    │   ├── NotAJpegError       the image is not a JPEG
    │   └── BrokenFrameError    the image is truncated, corrupt, too large or too slow
    ├── RecordingError          a whole recording cannot be read
    ├── StoreError              a frame store is missing, damaged or of another schema
    ├── ModelError              a model version is missing, damaged or made for other frames
    ├── TelemetryError          a message on the wire cannot be understood
    ├── TrainingError           a training cannot start or had to stop
    │   └── ReaderDiedError     a process that reads its samples was killed
    ├── StorageError            the object store does not answer, or holds something damaged
    ├── JobError                the job queue cannot be reached, or a job failed
    ├── ClusterError            the Ray cluster cannot be joined, or does not do its work
    │   └── ClusterLostError    its head ended while a job was at work
    └── ServiceError            another service did not answer as expected

Every message says what was wrong, what was found and what to do. Errors are caught only where a
service meets the outside: there they become an HTTP status, a failed job, a safe stop of the car or
an exit status.

A message is one line, and safe to print: characters that do not print become escapes in it. The
parts of an error are kept as they were.
"""

from __future__ import annotations

from contract.printable import printable

__all__ = [
    "BrokenFrameError",
    "ClusterError",
    "ClusterLostError",
    "DiskFullError",
    "FileAccessError",
    "FrameError",
    "JobError",
    "LapwingError",
    "ModelError",
    "NotAJpegError",
    "ReaderDiedError",
    "RecordingError",
    "ServiceError",
    "SettingError",
    "StorageError",
    "StoreError",
    "TelemetryError",
    "TrainingError",
]


class LapwingError(Exception):
    """The base class of all errors that Lapwing raises itself.

    Args:
        what: a clause that says what was wrong, without a full stop.
        got: the value that was found; the message leaves it out when it is None.
        remedy: a sentence that says what to do, without a full stop.
    """

    def __init__(self, what: str, *, got: object = None, remedy: str = "") -> None:
        self.what = what
        self.got = got
        self.remedy = remedy
        got_clause = "" if got is None else f": got {got}"
        # What libraries say often ends with a full stop of its own; "." and ".." are folders.
        if got_clause.endswith(".") and got_clause[-2].isalnum():
            got_clause = got_clause[:-1]
        message = f"{what}{got_clause}. {remedy}".rstrip(" .") + "."
        super().__init__(printable(message))


class SettingError(LapwingError):
    """A setting has a value that is not allowed."""


class FileAccessError(LapwingError):
    """A file or folder may not be read or written by the user of this process."""


class DiskFullError(LapwingError):
    """A disk has too little free space for what should be written, or has none left."""


class FrameError(LapwingError):
    """An image cannot be made into a frame."""


class NotAJpegError(FrameError):
    """The image is not a JPEG."""


class BrokenFrameError(FrameError):
    """The image is truncated, corrupt, too large or would take too long to decode."""


class RecordingError(LapwingError):
    """A whole recording cannot be read; a single bad row is a rejection instead."""


class StoreError(LapwingError):
    """A frame store is missing, damaged or of another schema."""


class ModelError(LapwingError):
    """A model version is missing, damaged or made for other frames."""


class TelemetryError(LapwingError):
    """A message of the simulator or of the bridge cannot be understood."""


class TrainingError(LapwingError):
    """A training cannot start or had to stop."""


class ReaderDiedError(TrainingError):
    """A process that reads samples for a training was killed.

    A worker runs the job again, and the training continues after its last finished epoch.
    """


class StorageError(LapwingError):
    """The object store does not answer, or something in it is missing or damaged.

    It may pass, so a job that raised it is run again.
    """


class JobError(LapwingError):
    """The job queue cannot be reached, or a job failed."""


class ClusterError(LapwingError):
    """The Ray cluster of LAPWING_CLUSTER cannot be joined, or does not do its work."""


class ClusterLostError(ClusterError):
    """The head of the Ray cluster ended while a job was at work.

    A worker runs the job again, and the job continues with what it has kept.
    """


class ServiceError(LapwingError):
    """Another service did not answer as expected."""
