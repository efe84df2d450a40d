import base64
import contextlib
import marshal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.keras_import.lambdas import marshal_reader
from trainer.keras_import.lambdas.marshal_reader import UnreadableError

# `lambda x: x / 127.5 - 1.0` in a file that Keras 1.2.1 wrote under Python 3.5.
OLD = base64.b64decode(
    "4wEAAAAAAAAAAQAAAAIAAABTAAAAcwwAAAB8AABkAQAbZAIAGFMpA07nAAAAAADgX0DnAAAAAAAA8D+pACkB2gF4cgMA"
    "AAByAwAAAPoIbW9kZWwucHnaCDxsYW1iZGE+IgAAAHMAAAAA"
)


def normalize(x: float) -> float:
    return x / 127.5 - 1.0


@pytest.mark.parametrize("version", range(5))
def test_code_of_this_python_is_read_in_every_format(version: int) -> None:
    found = marshal_reader.read(marshal.dumps(normalize.__code__, version))
    assert (found.layout, found.arguments, found.names, found.closure) == ("3.11", 1, (), ())
    assert found.code == normalize.__code__.co_code
    assert found.consts == normalize.__code__.co_consts


def test_code_of_an_old_python_is_read() -> None:
    found = marshal_reader.read(OLD)
    assert (found.layout, found.arguments, found.consts) == ("3.0", 1, (None, 127.5, 1.0))


def test_the_names_in_the_code_are_listed() -> None:
    found = marshal_reader.read(marshal.dumps((lambda x: __import__("os").system(x)).__code__))
    assert found.names == ("__import__", "system")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="its bytes fit no release"):
        marshal_reader.read(data)


@given(st.integers(0, len(OLD) - 1), st.integers(0, 255))
def test_code_with_a_wrong_byte_is_read_or_refused(place: int, value: int) -> None:
    with contextlib.suppress(UnreadableError):
        marshal_reader.read(OLD[:place] + bytes([value]) + OLD[place + 1 :])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"N", "it is not a function"),
        (b"", "its bytes end too early"),
        (b"s\xff\xff\xff\x7fab", "its bytes end too early"),
        (b"s\xff\xff\xff\xff", "a length is negative"),
        (b"(\xff\xff\xff\x7f", "a tuple is longer than the bytes"),
        (b")\x01" * 500 + b"N", "nested too deeply"),
        (b"r\x07\x00\x00\x00", "refers to a value that does not exist"),
        (b"{0", "a value of type '{'"),
        (b"f\x03abc", "'abc' is not a number"),
        (OLD + b"N", "1 bytes are left over"),
        (b"N" * 70_000, "it has 70,000 bytes"),
    ],
)
def test_forged_bytes_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        marshal_reader.read(data)
