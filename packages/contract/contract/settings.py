"""Settings: a frozen dataclass a service, filled from an injected mapping.

@dataclass(frozen=True)
class Settings:
    port: int = setting("LAPWING_PORT", 8000, minimum=1, maximum=65535)

settings = load(Settings, os.environ)      # once, in __main__
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.errors import SettingError

T = typing.TypeVar("T")

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


def setting(
    name: str,
    default: object = dataclasses.MISSING,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] | None = None,
) -> Any:  # noqa: ANN401 - the type of a dataclass field is that of its annotation
    """Declare a dataclass field that is read from the variable `name`.

    A field without a default must be set. `minimum` and `maximum` are inclusive and hold for
    numbers, `choices` for text.
    """
    metadata = {"name": name, "minimum": minimum, "maximum": maximum, "choices": choices}
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
        raw = environ.get(field.metadata["name"], "").strip()
        if raw:
            values[field.name] = _parse(field, types[field.name], raw)
        elif field.default is dataclasses.MISSING:
            raise SettingError(
                f"{field.metadata['name']} is not set", remedy=f"Set it: {_takes(field)}"
            )
    return cls(**values)


def _parse(field: dataclasses.Field[Any], kind: type, raw: str) -> object:
    """Return `raw` as the field's type, within its limits."""
    readers: dict[type, Callable[[str], object]] = {
        bool: _bool,
        int: int,
        float: float,
        str: str,
        Path: lambda text: Path(text).expanduser(),
    }
    try:
        value = readers[kind](raw)
    except ValueError:
        raise _refusal(field, raw) from None
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    choices = field.metadata["choices"]
    # Written so that NaN, which compares false with everything, is refused.
    if isinstance(value, int | float) and not (
        (low is None or value >= low) and (high is None or value <= high)
    ):
        raise _refusal(field, raw)
    if choices is not None and value not in choices:
        raise _refusal(field, raw)
    return value


def _bool(raw: str) -> bool:
    if raw.lower() not in TRUE + FALSE:
        raise ValueError(raw)
    return raw.lower() in TRUE


def _refusal(field: dataclasses.Field[Any], raw: str) -> SettingError:
    return SettingError(
        f"{field.metadata['name']} has a value it cannot take",
        got=repr(raw),
        remedy=f"It takes {_takes(field)}",
    )


def _takes(field: dataclasses.Field[Any]) -> str:
    """Say in words which values a field takes."""
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
