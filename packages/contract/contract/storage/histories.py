"""Shares what people say about datasets: their excluded rows and their labels.

    <data>/stores/<dataset>.exclusions.json, <dataset>.label.json    {"changes": [...], ...}
    <LAPWING_STORAGE>/exclusions/<dataset>/<number>.json             one of the changes
    <LAPWING_STORAGE>/label/<dataset>/<number>.json

Both files are histories, to which a change is appended. A change that is new on a volume is
published under its number, once; changes of other machines are appended here. If two machines made
different changes of one number, the second hears of it, and nothing is mixed.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

from contract.errors import StorageError
from contract.files import atomic_files, locks
from contract.files.plain_names import is_plain
from contract.storage.objects import Objects

__all__ = ["remove", "sync"]

log = logging.getLogger(__name__)

KINDS: Final = ("exclusions", "label")
"""The kinds of histories, which are the last but one part of the names of their files."""
SCHEMA: Final = 1


def sync(stores: Path, objects: Objects) -> None:
    """Bring the histories of the datasets of a volume and those of the object store together.

    Args:
        stores: the folder of the stores.
        objects: the object store.

    Raises:
        StorageError: the object store does not answer, or two machines made different changes.
    """
    for kind in KINDS:
        published: dict[str, int] = {}
        for name in objects.list_tags(kind):
            dataset, _, number = name.removesuffix(".json").partition("/")
            if not is_plain(dataset) or not number.isdecimal():
                raise StorageError(
                    "an object in LAPWING_STORAGE is no change of a dataset",
                    got=f"{kind}/{name}",
                    remedy="Remove that object",
                )
            published[dataset] = max(published.get(dataset, 0), int(number))
        local = {path.name.partition(".")[0] for path in stores.glob(f"[!.]*.{kind}.json")}
        for dataset in sorted(local | set(published)):
            if (stores / f"{dataset}.json").exists():
                _sync(stores, objects, kind, dataset, published.get(dataset, 0))


def remove(objects: Objects, dataset: str) -> None:
    """Remove what was said about a dataset that is removed.

    Raises:
        StorageError: the object store does not answer.
    """
    for kind in KINDS:
        for name in objects.list_tags(f"{kind}/{dataset}"):
            objects.delete(f"{kind}/{dataset}/{name}")


def _sync(stores: Path, objects: Objects, kind: str, dataset: str, published: int) -> None:
    path = stores / f"{dataset}.{kind}.json"
    with locks.lock(stores / ".annotations.lock"):
        document = _read(path)
        changes = document["changes"]
        common = min(len(changes), published)
        # Changes never change, so if the last one in common is the same, all before it are.
        if common and objects.read_document(_key(kind, dataset, common)) != changes[common - 1]:
            raise _conflict(path, common)
        for number in range(common + 1, len(changes) + 1):
            other = objects.create_document(_key(kind, dataset, number), changes[number - 1])
            if other is not None:
                raise _conflict(path, number)
        news = []
        for number in range(common + 1, published + 1):
            change = objects.read_document(_key(kind, dataset, number))
            if change is None:
                break  # It is listed, but not to be read yet.
            news.append(change)
        if news and published > len(changes):
            log.info("%s: %d changes of other machines (%s)", dataset, len(news), kind)
            document["changes"] = [*changes, *news]
            if kind == "label":
                document["label"] = news[-1]["label"]
            atomic_files.write_json(path, document)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document["changes"], list):
            raise ValueError("it has no list of changes")
    except FileNotFoundError:
        return {"schema": SCHEMA, "changes": []}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(
            f"{path} cannot be read, and is not shared with other machines",
            got=error,
            remedy="Move the file away: what was published of it is copied again",
        ) from error
    return document


def _conflict(path: Path, number: int) -> StorageError:
    return StorageError(
        f"another machine has changed the same as {path.name} at the same time",
        got=f"another change {number}",
        remedy=f"Move {path} away: the changes of the other machine are copied then, and yours can "
        "be made again after them",
    )


def _key(kind: str, dataset: str, number: int) -> str:
    return f"{kind}/{dataset}/{number:06}.json"
