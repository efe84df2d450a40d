from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

from contract.errors import SettingError
from contract.setting_forms import PASSWORD_FILE, TOKEN
from contract.settings import Variable, load, names, setting, variables


@dataclass(frozen=True)
class Example:
    host: str = setting("X_HOST", "127.0.0.1")
    port: int = setting("X_PORT", 8000, minimum=1, maximum=65535)
    share: float = setting("X_SHARE", 0.5, minimum=0)
    loud: bool = setting("X_LOUD", False)
    folder: Path = setting("X_FOLDER", Path("here"))
    mode: str = setting("X_MODE", "fast", choices=("fast", "slow"))


@dataclass(frozen=True)
class Secretive:
    token: str = setting("X_TOKEN", "", form=TOKEN)
    password: str = setting("X_PASSWORD_FILE", "", form=PASSWORD_FILE)


@dataclass(frozen=True)
class Needy:
    name: str = setting("X_NAME")


def test_defaults_hold_where_nothing_is_set() -> None:
    assert load(Example, {}) == Example()


def test_an_empty_value_counts_as_not_set() -> None:
    assert load(Example, {"X_PORT": " "}).port == 8000


def test_values_are_read_as_their_types() -> None:
    environ = {
        "X_HOST": "::",
        "X_PORT": "1",
        "X_SHARE": "2.5",
        "X_LOUD": "Yes",
        "X_FOLDER": "/a",
        "X_MODE": "slow",
        "UNRELATED": "1",
    }
    assert load(Example, environ) == Example("::", 1, 2.5, True, Path("/a"), "slow")


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("X_PORT", "http", "a whole number from 1 to 65535"),
        ("X_PORT", "0", "a whole number from 1 to 65535"),
        ("X_SHARE", "-1", "a number of at least 0"),
        ("X_SHARE", "nan", "a number of at least 0"),
        ("X_LOUD", "maybe", "true or false"),
        ("X_MODE", "medium", "one of fast, slow"),
    ],
)
def test_a_bad_value_says_its_name_what_it_got_and_what_it_takes(
    name: str, value: str, takes: str
) -> None:
    with pytest.raises(SettingError) as caught:
        load(Example, {name: value})
    assert str(caught.value) == (
        f"{name} has a value it cannot take: got {value!r}. It takes {takes}."
    )


def test_a_token_is_not_shown_and_a_files_error_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="got a text that is not shown") as caught:
        load(Secretive, {"X_TOKEN": "open sesame"})
    assert "sesame" not in str(caught.value)
    path = tmp_path / "gone"
    told = f"got '{path}' \\(No such file or directory\\)"
    with pytest.raises(SettingError, match=told):
        load(Secretive, {"X_PASSWORD_FILE": str(path)})


def test_what_has_no_default_must_be_set() -> None:
    with pytest.raises(SettingError, match="X_NAME is not set"):
        load(Needy, {})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        load(Example, {}).port = 1  # type: ignore[misc]


@dataclass(frozen=True)
class Renamed:
    workers: int = setting(
        "X_WORKERS", 2, "This number of processes works.", minimum=1, maximum=9, formerly="X_LANES"
    )


def test_a_former_name_is_read_and_the_warning_gives_the_new_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert load(Renamed, {"X_LANES": "4"}).workers == 4
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "X_LANES is now called X_WORKERS: the old name works for one release more"
    )


def test_the_new_name_goes_before_the_former_one(caplog: pytest.LogCaptureFixture) -> None:
    assert load(Renamed, {"X_WORKERS": "3", "X_LANES": "4"}).workers == 3
    assert load(Renamed, {"X_WORKERS": "", "X_LANES": " "}).workers == 2
    assert not caplog.records


def test_a_bad_value_of_a_former_name_is_said_to_be_its() -> None:
    with pytest.raises(SettingError, match=r"^X_LANES has a value .* from 1 to 9"):
        load(Renamed, {"X_LANES": "0"})


def test_the_variables_of_a_class_are_listed_in_words() -> None:
    (workers,) = variables(Renamed)
    assert workers == Variable(
        "X_WORKERS",
        "This number of processes works.",
        "a whole number from 1 to 9",
        "2",
        False,
        "X_LANES",
    )
    assert [variable.default for variable in variables(Example)] == [
        "127.0.0.1",
        "8000",
        "0.5",
        "false",
        "here",
        "fast",
    ]
    (needed,) = variables(Needy)
    assert (needed.required, needed.default) == (True, "")
    assert names(Renamed) == "X_WORKERS"
