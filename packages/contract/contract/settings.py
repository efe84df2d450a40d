"""Settings: a frozen dataclass for each service, filled from a mapping that is passed in.

@dataclass(frozen=True)
class Settings:
    port: int = setting(
        "LAPWING_PORT", 8000, "The service listens on this port.", minimum=1, maximum=65535
    )

settings = load(Settings, os.environ)      # once, in __main__

tools/settings_reference.py writes docs/settings.md and .env.example from these classes.
"""

from __future__ import annotations

import dataclasses
import logging
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.errors import SettingError
from contract.setting_forms import (
    CLUSTER,
    CLUSTER_TOKEN_FILE,
    FOLDER,
    PASSWORD_FILE,
    REDIS_URL,
    Form,
    format_value,
)

__all__ = [
    "ClusterSettings",
    "DataSettings",
    "ModelSettings",
    "QueueSettings",
    "Variable",
    "load",
    "names",
    "setting",
    "variables",
]

T = typing.TypeVar("T")

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Variable:
    """An environment variable that fills one field of a settings class."""

    name: str
    description: str
    """One plain sentence that says what the variable is for."""
    values: str
    """The values that it takes, in words: "a whole number from 1 to 64"."""
    default: str
    """The default as it would be written in the environment; "" stands for an empty text."""
    required: bool
    formerly: str
    """The name that it had in the release before, which is still read; "" for none."""


def setting(
    name: str,
    default: object = dataclasses.MISSING,
    description: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] | None = None,
    form: Form | None = None,
    formerly: str = "",
) -> Any:  # noqa: ANN401 - the type of a dataclass field is that of its annotation
    """Declare a dataclass field that is read from the environment variable `name`.

    A field without a default must be set.

    Args:
        name: the variable's name.
        default: the value of the field where the variable is not set.
        description: one plain sentence for the reference of all settings.
        minimum: the smallest number that is accepted.
        maximum: the largest number that is accepted.
        choices: the texts that are accepted; None accepts all.
        form: the form of the texts that are accepted; see setting_forms.py.
        formerly: the name that the variable had before. For one release it is read where `name` is
            not set, and a warning is logged that gives the new name.
    """
    metadata = {
        "name": name,
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "form": form,
        "formerly": formerly,
    }
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def load(cls: type[T], environ: Mapping[str, str]) -> T:
    """Fill the dataclass `cls` from `environ`; an empty value counts as not set.

    Raises:
        SettingError: a value is missing, of another type or out of range.
    """
    types = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for field in dataclasses.fields(typing.cast(Any, cls)):
        name, raw = _read(field, environ)
        if raw:
            values[field.name] = _parse(field, types[field.name], name, raw)
        elif field.default is dataclasses.MISSING:
            raise SettingError(f"{name} is not set", remedy=f"Set it: {_values(field)}")
    return cls(**values)


def variables(cls: type) -> list[Variable]:
    """Return the variables of a settings class, in the order of its fields."""
    return [
        Variable(
            name=field.metadata["name"],
            description=field.metadata["description"],
            values=_values(field),
            default=_default(field),
            required=field.default is dataclasses.MISSING,
            formerly=field.metadata["formerly"],
        )
        for field in dataclasses.fields(typing.cast(Any, cls))
    ]


def names(cls: type) -> str:
    """Return the names of all variables of a settings class, separated by commas."""
    return ", ".join(variable.name for variable in variables(cls))


def _read(field: dataclasses.Field[Any], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that sets a field, and its text; "" where none does."""
    name, formerly = field.metadata["name"], field.metadata["formerly"]
    raw = environ.get(name, "").strip()
    if raw or not formerly:
        return name, raw
    raw = environ.get(formerly, "").strip()
    if not raw:
        return name, raw
    log.warning("%s is now called %s: the old name works for one release more", formerly, name)
    return formerly, raw


def _parse(field: dataclasses.Field[Any], kind: type, name: str, raw: str) -> object:
    """Return `raw` as the field's type, within its limits."""
    readers: dict[type, Callable[[str], object]] = {
        bool: _bool,
        int: int,
        float: float,
        str: str,
        Path: Path,
    }
    form: Form | None = field.metadata["form"]
    try:
        value = readers[kind](raw if form is None else form.read(raw))
    except (ValueError, OSError) as error:
        # What int and float say of a text adds nothing to the values that the setting takes.
        raise _error(field, name, raw, "" if form is None else _reason(error)) from None
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    choices = field.metadata["choices"]
    # Written so that NaN, which compares false with everything, is refused.
    if isinstance(value, int | float) and not (
        (low is None or value >= low) and (high is None or value <= high)
    ):
        raise _error(field, name, raw)
    if choices is not None and value not in choices:
        raise _error(field, name, raw)
    return value


def _bool(raw: str) -> bool:
    if raw.lower() not in TRUE + FALSE:
        raise ValueError(raw)
    return raw.lower() in TRUE


def _reason(error: ValueError | OSError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _error(field: dataclasses.Field[Any], name: str, raw: str, reason: str = "") -> SettingError:
    form: Form | None = field.metadata["form"]
    got = "a text that is not shown" if form is not None and form.secret else format_value(raw)
    return SettingError(
        f"{name} has a value it cannot take",
        got=f"{got} ({reason})" if reason else got,
        remedy=f"It takes {_values(field)}",
    )


def _values(field: dataclasses.Field[Any]) -> str:
    """Say in words which values a field takes."""
    form: Form | None = field.metadata["form"]
    if form is not None:
        return form.values
    kind = field.type if isinstance(field.type, str) else field.type.__name__
    words = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
    text = words.get(kind, "a path")
    low, high, choices = (field.metadata[key] for key in ("minimum", "maximum", "choices"))
    if choices is not None:
        return "one of " + ", ".join(choices)
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    if low is not None:
        return f"{text} of at least {low}"
    return text if high is None else f"{text} of at most {high}"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return ""
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return str(field.default)


@dataclasses.dataclass(frozen=True)
class QueueSettings:
    """The settings of what uses the job queues; other classes of settings inherit them."""

    redis_url: str = setting(
        "LAPWING_REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "The job queues are kept in the Redis at this address.",
        form=REDIS_URL,
    )
    redis_password_file: str = setting(
        "LAPWING_REDIS_PASSWORD_FILE",
        "",
        "The password of Redis is read from this file; empty means that Redis asks for none.",
        form=PASSWORD_FILE,
    )


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """The settings of what uses the data volume; other classes of settings inherit them."""

    data_dir: Path = setting(
        "LAPWING_DATA_DIR",
        Path("lapwing-data/data"),
        "This folder is the data volume, which holds the imported recordings.",
        form=FOLDER,
    )


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """The settings of what uses the model volume; other classes of settings inherit them."""

    model_dir: Path = setting(
        "LAPWING_MODEL_DIR",
        Path("lapwing-data/models"),
        "This folder is the model volume, which holds the published models.",
        form=FOLDER,
    )


@dataclasses.dataclass(frozen=True)
class ClusterSettings:
    """The settings of what joins a Ray cluster; other classes of settings inherit them."""

    cluster: str = setting(
        "LAPWING_CLUSTER",
        "",
        "Jobs spread their work over the Ray cluster whose head is at this address; local starts "
        "one on this machine for each job, and empty means that jobs use no cluster.",
        form=CLUSTER,
    )
    cluster_token_file: str = setting(
        "LAPWING_CLUSTER_TOKEN_FILE",
        "",
        "The token of the Ray cluster is read from this file; empty means that its head asks for "
        "none.",
        form=CLUSTER_TOKEN_FILE,
    )
