import pytest

from contract import errors
from contract.errors import LapwingError


def test_the_message_says_what_was_found_and_what_to_do() -> None:
    error = LapwingError("the port is taken", got=8000, remedy="Set another")
    assert str(error) == "the port is taken: got 8000. Set another."


def test_the_message_leaves_out_what_is_not_given() -> None:
    assert str(LapwingError("the port is taken")) == "the port is taken."


@pytest.mark.parametrize(
    ("got", "found"),
    [("No such file.", "No such file"), (".", "."), ("/recordings/..", "/recordings/..")],
    ids=["sentence", "this-folder", "folder-above"],
)
def test_a_full_stop_of_what_was_found_is_not_doubled(got: str, found: str) -> None:
    assert (
        str(LapwingError("it failed", got=got, remedy="Wait")) == f"it failed: got {found}. Wait."
    )


def test_a_zero_that_was_found_is_in_the_message() -> None:
    assert str(LapwingError("no rows", got=0)) == "no rows: got 0."


@pytest.mark.parametrize(
    "error", [value for value in vars(errors).values() if isinstance(value, type)]
)
def test_the_tree_in_the_docstring_names_every_error(error: type) -> None:
    assert issubclass(error, LapwingError)
    assert error.__name__ in (errors.__doc__ or "")
