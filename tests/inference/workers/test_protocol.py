import pytest

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from inference.workers import protocol
from inference.workers.protocol import Steered


def test_a_question_says_what_it_is_about() -> None:
    sent = protocol.ask(protocol.FRAME, 7, b"abc")
    assert protocol.ASK.unpack_from(sent) == (protocol.FRAME, 7, 3)
    assert sent[protocol.ASK.size :] == b"abc"


def test_a_reply_says_how_long_it_is() -> None:
    sent = protocol.reply(protocol.DONE, b"abc")
    assert protocol.REPLY.unpack_from(sent) == (protocol.DONE, 3)
    assert sent[protocol.REPLY.size :] == b"abc"


def test_steering_and_times_come_as_they_were_sent() -> None:
    steered = Steered(-0.25, 1.5, 2.5, 3.5, 4.5)
    assert Steered(*protocol.STEERED.unpack(steered.pack())) == steered


@pytest.mark.parametrize("kind", [NotAJpegError, BrokenFrameError, ModelError])
@pytest.mark.parametrize("got", [None, 5])
def test_an_error_comes_as_it_was_raised(kind: type[LapwingError], got: object) -> None:
    error = kind("it was wrong", got=got, remedy="Make it right")
    told = protocol.error_of(protocol.refusal(error))
    assert type(told) is kind
    assert str(told) == str(error)
