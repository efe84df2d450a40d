from pathlib import Path

import pytest

from contract.files.atomic_files import temporary_path
from contract.files.plain_names import is_plain


@pytest.mark.parametrize("name", ["lake", "lake-1234abcd", "a b", "v1.2", "ü" * 100])
def test_names_of_files(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".x", "/", "/x", "a/b", "a\0b", "a\nb", "\x1b[0m", "ü" * 101, None, 1, b"x"],
)
def test_paths_and_what_else_is_no_name(name: object) -> None:
    assert not is_plain(name)


def test_a_name_leaves_room_for_the_endings_of_a_dataset() -> None:
    """The longest is that of a temporary file beside the exclusions; Linux allows 255 bytes."""
    longest = "x" * 200
    assert is_plain(longest)
    assert not is_plain(longest + "x")
    temporary = temporary_path(Path(f"{longest}.exclusions.json")).name
    assert len(temporary) <= 255
