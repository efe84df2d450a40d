"""The forms of texts that settings hold: addresses, hosts, folders, files with secrets, sizes.

A form is checked when a program starts, so that a bad value ends it with one line that names the
setting, and not hours later with the error of a library. A password in an address is never shown.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = [
    "BRIDGE_URL",
    "CLUSTER",
    "CLUSTER_TOKEN_FILE",
    "FOLDER",
    "HOST",
    "INFERENCE_URL",
    "LOCAL_CLUSTER",
    "MEMORY",
    "PASSWORD_FILE",
    "REDIS_URL",
    "STORAGE_URL",
    "TOKEN",
    "Form",
    "check_folder",
    "format_value",
    "mask",
    "read_password",
    "read_size",
]

MAX_PASSWORD_BYTES: Final = 4096
MAX_SHOWN: Final = 120
"""Number of characters of a refused value that a message repeats."""
LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*\.?", re.IGNORECASE | re.ASCII)
SIZE: Final = re.compile(r"(\d{1,15})([bkmg]?)b?", re.IGNORECASE | re.ASCII)
LOCAL_CLUSTER: Final = "local"
"""Value of LAPWING_CLUSTER with which a job starts a cluster of its own on its machine."""
UNITS: Final = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True)
class Form:
    """Says in words which texts a setting takes, and reads one."""

    values: str
    """The texts that it takes, in words: "an address such as http://127.0.0.1:8000"."""
    read: Callable[[str], str]
    """Returns the text to use; raises ValueError or OSError for a text of another form."""
    secret: bool = False
    """Whether messages must not show the text."""


def mask(address: str) -> str:
    """Return an address with "***" in the place of its user and password.

    Whatever stands before the last "@" counts as one: in a misspelt address it is not certain where
    a password begins.
    """
    masked = re.sub(r"^(\w[\w+.-]*://)?.*@", r"\1:***@", address, flags=re.DOTALL)
    masked = re.sub(r"^(\w[\w+.-]*://):[^@]+$", r"\1:***", masked, flags=re.DOTALL)
    return re.sub(r"(?i)([?&](?:password|username)=)[^&]*", r"\1***", masked)


def format_value(text: str) -> str:
    """Return a value as messages show it: quoted, without passwords, and not too long."""
    shown = mask(text)
    rest = len(shown) - MAX_SHOWN
    return repr(shown) if rest <= 0 else f"{shown[:MAX_SHOWN]!r} and {rest:,} more characters"


def read_password(path: str) -> str:
    """Return the password in a file, without the white space around it; "" for the path "".

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no regular file, it is empty, or no text of a password's length.
    """
    if not path:
        return ""
    file = Path(path)
    if file.exists() and not file.is_file():
        raise ValueError("it is no regular file")
    with file.open("rb") as opened:
        content = opened.read(MAX_PASSWORD_BYTES + 1)
    if len(content) > MAX_PASSWORD_BYTES:
        raise ValueError(f"it has more than {MAX_PASSWORD_BYTES:,} bytes")
    try:
        password = content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    if not password:
        raise ValueError("it is empty")
    return password


def read_size(text: str) -> int:
    """Return the bytes of a size such as "512m" or "2g", in units of 1024 as Docker has them.

    Raises:
        ValueError: the text has another form.
    """
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError("it is no size")
    return int(match[1]) * UNITS[match[2].lower()]


def check_folder(folder: Path) -> None:
    """Check that a path is that of a folder that can be read, or that one can be made there.

    Raises:
        OSError: the path, or one above it, is a file or cannot be entered.
    """
    for path in (folder, *folder.absolute().parents):
        try:
            exists = path.exists()
        except PermissionError:
            raise PermissionError(f"{path} cannot be entered") from None
        if exists:
            if not path.is_dir():
                raise NotADirectoryError(f"{path} is no folder")
            if not os.access(path, os.R_OK | os.X_OK):
                raise PermissionError(f"{path} cannot be read")
            return


def _read_folder(text: str) -> str:
    try:
        folder = Path(text).expanduser()
    except RuntimeError as error:  # The user of a "~user" is not known.
        raise ValueError(str(error)) from None
    check_folder(folder)
    return str(folder)


def _read_password_file(text: str) -> str:
    read_password(text)
    return text


def _read_host(text: str) -> str:
    if not _is_host(text):
        raise ValueError("it is no host")
    return text


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # A name that ends in a number is a mistyped IP address: no domain does.
        return HOST_NAME.fullmatch(text) is not None and not text.rpartition(".")[2].isdecimal()
    return True


def _read_token(text: str) -> str:
    if re.fullmatch(r"[!-~]+", text) is None:
        raise ValueError("it holds other characters")
    return text


def _read_size(text: str) -> str:
    read_size(text)
    return text


def _read_cluster(text: str) -> str:
    if text == LOCAL_CLUSTER:
        return text
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    # An IPv6 address without brackets does not say where its port begins.
    if not colon or not _is_host(bare) or (":" in bare and bare == host):
        raise ValueError("it is no host and port")
    if re.fullmatch(r"\d{1,5}", port, re.ASCII) is None or not 0 < int(port) < 1 << 16:
        raise ValueError("its port is no number from 1 to 65535")
    return text


def _url_reader(schemes: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        parts = _split(text, schemes)
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("it holds more than scheme, host, port and path")
        return text

    return read


def _read_redis_url(text: str) -> str:
    if text.lower().startswith("unix://"):
        path = urlsplit(text).path
        if not path.startswith("/") or path == "/":
            raise ValueError("it names no socket")
        return text
    # The client of Redis takes 0 for a number of the database that it cannot read.
    if re.fullmatch(r"/?\d{0,9}", unquote(_split(text, ("redis", "rediss")).path)) is None:
        raise ValueError("the database is no number")
    return text


def _read_storage_url(text: str) -> str:
    if any(character <= " " for character in text):
        raise ValueError("it holds white space")
    parts = urlsplit(text)
    if parts.query or parts.fragment or "@" in parts.netloc or ".." in parts.path.split("/"):
        raise ValueError("it holds more than a bucket or a folder")
    if parts.scheme == "s3" and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,62}", parts.netloc):
        return text.rstrip("/")
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
        return f"file://{parts.path.rstrip('/')}"
    raise ValueError("it is no such address")


def _split(text: str, schemes: Sequence[str]) -> SplitResult:
    """Return the parts of an address; the errors never repeat it, as it may hold a password."""
    if any(character <= " " for character in text):
        raise ValueError("it holds white space")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("it is no address") from None
    if parts.scheme not in schemes or not _is_host(host) or port == 0:
        raise ValueError("it is no such address")
    return parts


REDIS_URL: Final = Form(
    "an address such as redis://127.0.0.1:6379/0 or unix:///run/redis.sock", _read_redis_url
)
INFERENCE_URL: Final = Form(
    "an address such as http://127.0.0.1:8000, without a user or a password",
    _url_reader(("http", "https")),
)
BRIDGE_URL: Final = Form("an address such as ws://127.0.0.1:4567", _url_reader(("ws", "wss")))
HOST: Final = Form("an IP address or the name of a host, without a port", _read_host)
FOLDER: Final = Form("the path of a folder, which need not exist yet", _read_folder)
CLUSTER: Final = Form(
    "local, or host and port of the head of a Ray cluster, such as ray-head:6379", _read_cluster
)
PASSWORD_FILE: Final = Form(
    "the path of a file that holds the password and that this user may read", _read_password_file
)
STORAGE_URL: Final = Form(
    "an address such as s3://bucket/prefix or file:///mnt/shared", _read_storage_url
)
CLUSTER_TOKEN_FILE: Final = Form(
    "the path of a file that holds the token and that this user may read", _read_password_file
)
TOKEN: Final = Form("letters, digits and punctuation of ASCII, without spaces", _read_token, True)
MEMORY: Final = Form("a size such as 512m or 2g; 0 means no bound", _read_size)
