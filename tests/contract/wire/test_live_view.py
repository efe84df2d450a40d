import dataclasses
import json

import pytest

from contract.errors import TelemetryError
from contract.wire.live_view import LiveView, decode

VIEW = LiveView("lab:4567", "1", 1.0, "model", 0.25, 0.5, 9.0, 15.0, 2.5, 7, "/9j/")


def test_an_encoded_view_is_decoded() -> None:
    assert decode(VIEW.encode()) == VIEW
    assert decode(VIEW.encode().encode()) == VIEW


def test_fields_of_a_later_release_are_ignored() -> None:
    document = {**dataclasses.asdict(VIEW), "later": 1}
    assert decode(json.dumps(document)) == VIEW


@pytest.mark.parametrize("text", ["", "[]", "5", "{}", '{"simulator": "1"}', b"\xff"])
def test_a_message_that_is_no_view_is_refused(text: str | bytes) -> None:
    with pytest.raises(TelemetryError, match="no view of a drive"):
        decode(text)


def test_of_a_long_message_that_is_no_view_the_first_80_characters_are_told() -> None:
    text = "".join(map(str, range(100)))
    with pytest.raises(TelemetryError, match=f"got '{text[:80]}'"):
        decode(text)
