import pytest

from contract import errors
from contract.errors import LapwingError


def test_the_message_says_what_was_found_and_what_to_do() -> None:
    error = LapwingError("the port is taken", got=8000, remedy="Set another")
    assert str(error) == "the port is taken: got 8000. Set another."


def test_what_is_not_known_is_left_out() -> None:
    assert str(LapwingError("the port is taken")) == "the port is taken."


def test_a_found_zero_is_told() -> None:
    assert str(LapwingError("no rows", got=0)) == "no rows: got 0."


@pytest.mark.parametrize(
    "kind", [value for value in vars(errors).values() if isinstance(value, type)]
)
def test_the_tree_in_the_docstring_names_every_error(kind: type) -> None:
    assert issubclass(kind, LapwingError)
    assert kind.__name__ in (errors.__doc__ or "")
