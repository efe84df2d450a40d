"""Notes on a volume of which object store it has copies, so that two are never mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contract.errors import SettingError
from contract.files import atomic_files
from contract.storage.storage_settings import StorageSettings

__all__ = ["check_address"]

ADDRESS: Final = "address"


def check_address(folder: Path, settings: StorageSettings, volume: str) -> None:
    """Note the address of the object store, or compare it with the one that was noted.

    Args:
        folder: folder on the volume with what is known of the object store.
        settings: the settings of the object store.
        volume: name of the setting that says where the volume is.

    Raises:
        SettingError: the volume has copies of another object store.
    """
    path = folder / ADDRESS
    try:
        noted = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        atomic_files.make_folder(folder)
        atomic_files.write_bytes(path, f"{settings.url}\n".encode())
        return
    if noted != settings.url:
        raise SettingError(
            f"the folder of {volume} has copies of another LAPWING_STORAGE",
            got=f"{noted}, not {settings.url}",
            remedy=f"Use an empty folder for {volume}. If only the address of the same objects has "
            f"changed, write it into {path}",
        )
