import pytest

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from contract.policy.answer import PolicyAnswer
from inference.workers import protocol
from inference.workers.protocol import TimedPrediction


def test_a_request_has_a_header_and_a_payload() -> None:
    sent = protocol.encode_request(protocol.PREDICT, 7, b"abc")
    assert protocol.REQUEST_HEADER.unpack_from(sent) == (protocol.PREDICT, 7, 3)
    assert sent[protocol.REQUEST_HEADER.size :] == b"abc"


def test_a_reply_has_a_header_and_a_payload() -> None:
    sent = protocol.encode_reply(protocol.DONE, b"abc")
    assert protocol.REPLY_HEADER.unpack_from(sent) == (protocol.DONE, 3)
    assert sent[protocol.REPLY_HEADER.size :] == b"abc"


@pytest.mark.parametrize("speed_mph", [None, 0.0, 21.5])
def test_a_prediction_is_decoded_as_it_was_encoded(speed_mph: float | None) -> None:
    prediction = TimedPrediction(PolicyAnswer(-0.25, speed_mph), 1.5, 2.5, 3.5, 4.5)
    assert protocol.decode_prediction(protocol.encode_prediction(prediction)) == prediction


@pytest.mark.parametrize("error_class", [NotAJpegError, BrokenFrameError, ModelError])
@pytest.mark.parametrize("got", [None, 5])
def test_an_error_is_decoded_as_it_was_encoded(
    error_class: type[LapwingError], got: object
) -> None:
    error = error_class("it was wrong", got=got, remedy="Make it right")
    decoded = protocol.decode_error(protocol.encode_error(error))
    assert type(decoded) is error_class
    assert str(decoded) == str(error)
