import pytest

from contract.errors import BrokenFrameError, LapwingError, ModelError, NotAJpegError
from inference import message
from inference.message import Steered


def test_a_question_says_what_it_is_about() -> None:
    sent = message.ask(message.FRAME, 7, b"abc")
    assert message.ASK.unpack_from(sent) == (message.FRAME, 7, 3)
    assert sent[message.ASK.size :] == b"abc"


def test_a_reply_says_how_long_it_is() -> None:
    sent = message.reply(message.DONE, b"abc")
    assert message.REPLY.unpack_from(sent) == (message.DONE, 3)
    assert sent[message.REPLY.size :] == b"abc"


def test_steering_and_times_come_as_they_were_sent() -> None:
    steered = Steered(-0.25, 1.5, 2.5, 3.5, 4.5)
    assert Steered(*message.STEERED.unpack(steered.pack())) == steered


@pytest.mark.parametrize("kind", [NotAJpegError, BrokenFrameError, ModelError])
@pytest.mark.parametrize("got", [None, 5])
def test_an_error_comes_as_it_was_raised(kind: type[LapwingError], got: object) -> None:
    error = kind("it was wrong", got=got, remedy="Make it right")
    told = message.error_of(message.refusal(error))
    assert type(told) is kind
    assert str(told) == str(error)
