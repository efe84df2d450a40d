"""Reads and writes objects: small documents, and files that are named by their SHA-256.

    <LAPWING_STORAGE>/data/<sha256>    the content of a file; every other object is a document

An object appears whole or not at all. A document that must not be there twice is made by
`create_document`: with a conditional put where the store has it, and else under a lock in Redis.

The library is obstore, which repeats requests that failed or took too long, with growing pauses.
It is imported here alone, and only with the first request.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final

from contract.errors import StorageError
from contract.files.flushes import fsync
from contract.storage.object_client import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    explained,
    make_client,
)
from contract.storage.redis_lock import redis_lock
from contract.storage.storage_settings import StorageSettings

__all__ = ["Objects", "data_key", "encode"]

log = logging.getLogger(__name__)

PART_BYTES: Final = 8 << 20
"""Bytes of a file that one request carries."""
PARTS_AT_ONCE: Final = 4


def data_key(sha256: str) -> str:
    """Return the key of the object with a file's content."""
    return f"data/{sha256}"


def encode(document: Mapping[str, object]) -> bytes:
    """Return the bytes of a document; the same document always has the same bytes."""
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


class Objects:
    """The objects below one address.

    Args:
        settings: the settings of the object store.
        environ: the environment, with the AWS_* variables of a bucket.
    """

    def __init__(self, settings: StorageSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._has_conditional_put: bool | None = None
        self.tags: dict[str, str] = {}
        """The entity tag of each object that was read, which changes with its content."""

    # ---- documents

    def read_document(self, key: str) -> dict[str, Any] | None:
        """Return a document, or None if there is none.

        Raises:
            StorageError: the store does not answer, or the object is no document.
        """
        content = self._read(key)
        if content is None:
            return None
        try:
            document: dict[str, Any] = json.loads(content)
            if not isinstance(document, dict):
                raise ValueError("it is no table")
            return document
        except (ValueError, RecursionError) as error:
            raise StorageError(
                f"the object {key} in LAPWING_STORAGE is no document",
                got=error,
                remedy="Remove that object, and publish what it named again",
            ) from error

    def create_document(self, key: str, document: Mapping[str, object]) -> dict[str, Any] | None:
        """Write a document unless there is one; return that of another writer, or None.

        Several may try this at the same time: one succeeds, and all others get its document. To
        write the same document again does no harm.

        Raises:
            StorageError: the store does not answer.
        """
        if self._can_put_conditionally():
            self._put_new(key, encode(document))
        else:
            with redis_lock(self._settings, key, self._settings.timeout_s):
                if self._read(key) is None:
                    self._put(key, encode(document))
        there = self.read_document(key)
        return None if there is not None and encode(there) == encode(document) else there

    def replace_document(self, key: str, document: Mapping[str, object]) -> None:
        """Write a document in place of the one that was there.

        Raises:
            StorageError: the store does not answer.
        """
        self._put(key, encode(document))

    def list_tags(self, prefix: str) -> dict[str, str]:
        """Return the names of the objects below a prefix, relative to it, and their entity tags.

        A store may list an object a moment after it was made.

        Raises:
            StorageError: the store does not answer.
            SettingError: there is no such bucket or folder.
        """
        import obstore

        with explained(self._settings, f"list {prefix}"):
            pages = obstore.list(self._client, prefix, chunk_size=1000)
            found = {
                entry["path"].removeprefix(f"{prefix}/"): entry["e_tag"] or ""
                for page in pages
                for entry in page
            }
            return dict(sorted(found.items()))

    def delete(self, key: str) -> None:
        """Remove an object if it is there.

        Raises:
            StorageError: the store does not answer.
        """
        import obstore

        def remove() -> None:
            try:
                obstore.delete(self._single, key)
            except FileNotFoundError:
                return

        self._repeat(f"remove {key}", remove)

    # ---- files

    def upload(self, path: Path) -> dict[str, Any]:
        """Publish the content of a file, unless it is there; return its `sha256` and `bytes`.

        Raises:
            StorageError: the store does not answer.
            OSError: the file cannot be read.
        """
        import obstore

        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size, key = path.stat().st_size, data_key(digest)
        if self._size(key) != size:
            with explained(self._settings, f"write {key}"):
                obstore.put(
                    self._client,
                    key,
                    path,
                    mode="overwrite",
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
            self._flush(key)
        return {"sha256": digest, "bytes": size}

    def download(self, entry: Mapping[str, Any], file: IO[bytes]) -> None:
        """Write the content of a file that `upload` described into an open file, and check it.

        Content that differs from its digest is asked for once more.

        Raises:
            StorageError: the store does not answer, or the content is not there or differs twice.
        """
        key, found = data_key(entry["sha256"]), ""
        for attempt in (1, 2):
            file.seek(0)
            digest = hashlib.sha256()
            for part in self._parts(key, entry["bytes"]):
                digest.update(part)
                file.write(part)
            file.flush()
            found = digest.hexdigest()
            if found == entry["sha256"]:
                return
            log.warning("the object %s differs from its digest (try %d of 2)", key, attempt)
        raise StorageError(
            f"the object {key} in LAPWING_STORAGE is damaged",
            got=f"the SHA-256 {found}",
            remedy="Remove that object, and publish again what holds it: import the recording, or "
            "run the job again",
        )

    def read_range(self, entry: Mapping[str, Any], start: int, size: int) -> bytes:
        """Return some bytes of a file that `upload` described, which the caller checks.

        Raises:
            StorageError: the store does not answer, or the content is not there.
        """
        return b"".join(self._parts(data_key(entry["sha256"]), start + size, start))

    def _parts(self, key: str, size: int, first: int = 0) -> Iterator[bytes]:
        import obstore

        for start in range(first, size, PART_BYTES):
            end = min(start + PART_BYTES, size)
            with explained(self._settings, f"read {key}"):
                try:
                    part = obstore.get_range(self._client, key, start=start, end=end)
                except FileNotFoundError as error:
                    raise StorageError(
                        f"the object {key} is missing in LAPWING_STORAGE",
                        got=self._settings.url,
                        remedy="Publish again what holds it: import the recording, or run the job "
                        "again",
                    ) from error
            yield memoryview(part).tobytes()

    # ---- requests

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - obstore is not installed everywhere
        return make_client(self._settings, self._environ, repeats=True)

    @cached_property
    def _single(self) -> Any:  # noqa: ANN401 - obstore is not installed everywhere
        """A client that never repeats a request."""
        return make_client(self._settings, self._environ, repeats=False)

    def _read(self, key: str) -> bytes | None:
        import obstore

        with explained(self._settings, f"read {key}"):
            try:
                answer = obstore.get(self._client, key)
                self.tags[key] = answer.meta["e_tag"] or ""
                return memoryview(answer.bytes()).tobytes()
            except FileNotFoundError:
                return None

    def _size(self, key: str) -> int | None:
        import obstore

        with explained(self._settings, f"look for {key}"):
            try:
                return int(obstore.head(self._client, key)["size"])
            except FileNotFoundError:
                return None

    def _put(self, key: str, content: bytes) -> None:
        import obstore

        with explained(self._settings, f"write {key}"):
            obstore.put(self._client, key, content, mode="overwrite")
        self._flush(key)

    def _put_new(self, key: str, content: bytes) -> None:
        """Write an object unless there is one, whoever wrote it; the caller reads what is there."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        def put() -> None:
            try:
                obstore.put(self._single, key, content, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return

        self._repeat(f"make {key}", put)
        self._flush(key)

    def _repeat(self, what: str, request: Callable[[], object]) -> None:
        """Make a request until it succeeds, for as long as the settings say.

        obstore does not repeat these itself, because a request that seemed to fail may have done
        its work. It does no harm that they do it twice.
        """
        from obstore.exceptions import GenericError

        started_s, pause_s = time.monotonic(), FIRST_PAUSE_S
        while True:
            with explained(self._settings, what):
                try:
                    request()
                    return
                except GenericError:
                    if time.monotonic() + pause_s - started_s > self._settings.timeout_s:
                        raise
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _can_put_conditionally(self) -> bool:
        """Tell whether the store refuses to make an object twice; a bucket is tried once.

        Some stores refuse the condition (Swift answers 501), and some do not know it and write.
        """
        import obstore
        from obstore.exceptions import (
            AlreadyExistsError,
            GenericError,
            NotSupportedError,
            PreconditionError,
        )

        if self._has_conditional_put is None and self._settings.folder is not None:
            self._has_conditional_put = True
        if self._has_conditional_put is None:
            key = f"probes/{uuid.uuid4().hex}"
            self._put(key, b"")
            with explained(self._settings, "ask for a conditional put"):
                try:
                    obstore.put(self._single, key, b"", mode="create")
                    self._has_conditional_put = False
                except (AlreadyExistsError, PreconditionError):
                    self._has_conditional_put = True
                except NotSupportedError:
                    self._has_conditional_put = False
                except GenericError as error:
                    if "501 Not Implemented" not in str(error):
                        raise
                    self._has_conditional_put = False
            self.delete(key)
        return self._has_conditional_put

    def _flush(self, key: str) -> None:
        """Flush an object of a shared file system to its disk; a bucket has done that itself."""
        if self._settings.folder is None:
            return
        path = self._settings.folder / key
        fsync(path)
        while path != self._settings.folder:
            path = path.parent
            fsync(path)
