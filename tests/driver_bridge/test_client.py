import json

import answering
import pytest

from contract.errors import ServiceError
from driver_bridge.client import Inference


def test_a_frame_is_sent_as_it_is_and_answered() -> None:
    with answering.inference() as answers:
        assert Inference(answers.url, 1.0).steering(b"jpeg") == 0.25
        assert answers.frames == [b"jpeg"]


def test_one_connection_is_kept() -> None:
    with answering.inference() as answers:
        client = Inference(answers.url + "/", 1.0)
        for _ in range(5):
            client.steering(b"jpeg")
        assert len(answers.connections) == 1


def test_more_than_full_lock_is_clamped() -> None:
    with answering.inference() as answers:
        answers.body = b'{"steering": -3}'
        assert Inference(answers.url, 1.0).steering(b"jpeg") == -1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"steering": "0.1"}', b'{"steering": NaN}', b'{"steering": null}']
)
def test_an_answer_without_a_steering_is_refused(body: bytes) -> None:
    with answering.inference() as answers:
        answers.body = body
        with pytest.raises(ServiceError, match="holds no steering"):
            Inference(answers.url, 1.0).steering(b"jpeg")


def test_a_refusal_is_told() -> None:
    with answering.inference() as answers:
        answers.status, answers.body = 503, json.dumps({"error": "no model"}).encode()
        with pytest.raises(ServiceError, match=r"refuses the frame: got 503 .*no model"):
            Inference(answers.url, 1.0).steering(b"jpeg")


def test_a_slow_answer_is_not_waited_for() -> None:
    with answering.inference() as answers:
        answers.delay_s = 0.5
        with pytest.raises(ServiceError, match="does not answer"):
            Inference(answers.url, 0.05).steering(b"jpeg")


def test_nobody_there_is_told() -> None:
    with answering.inference() as answers:
        url = answers.url
    with pytest.raises(ServiceError, match="does not answer"):
        Inference(url, 1.0).steering(b"jpeg")


def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    with answering.inference() as answers:
        client = Inference(answers.url, 1.0)
        client.steering(b"jpeg")
        port = int(answers.url.rsplit(":", 1)[1])
    with answering.inference(port):
        assert client.steering(b"jpeg") == 0.25
