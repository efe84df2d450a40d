import pytest

from contract.errors import StoreError, TrainingError
from trainer.distributed.exchange import MessageExchange
from trainer.distributed.messages import Checkpoint, LogLine, WorkerRefusal
from trainer.training.run_state import TrainingState

START = Checkpoint(TrainingState(["a"]))


def checkpoint(name: str) -> Checkpoint:
    return Checkpoint(TrainingState(["a"]), name, b"network")


def test_messages_are_taken_once_in_their_order() -> None:
    exchange = MessageExchange(START)
    assert exchange.begin("first") is START
    sent = [LogLine(20, "one"), checkpoint("step-1-1.h5"), LogLine(20, "two")]
    for message in sent:
        exchange.post("first", message)
    assert exchange.take() == sent
    assert exchange.take() == []


def test_a_group_begins_with_the_newest_checkpoint_of_the_one_before() -> None:
    exchange = MessageExchange(START)
    exchange.begin("first")
    for name in ("step-1-1.h5", "step-1-2.h5"):
        exchange.post("first", checkpoint(name))
    exchange.take()
    assert exchange.begin("second").name == "step-1-2.h5"


def test_all_workers_of_a_group_begin_alike() -> None:
    """Rank 0 may be faster; a slower worker must not begin with what rank 0 has saved since."""
    exchange = MessageExchange(START)
    exchange.begin("first")
    exchange.post("first", checkpoint("step-1-1.h5"))
    assert exchange.begin("first") is START


def test_a_worker_that_was_replaced_saves_nothing() -> None:
    exchange = MessageExchange(START)
    exchange.begin("first")
    exchange.begin("second")
    with pytest.raises(TrainingError, match="a group that was replaced by a later one"):
        exchange.post("first", checkpoint("step-9-9.h5"))
    with pytest.raises(TrainingError, match="a group that was replaced by a later one"):
        exchange.begin("first")
    exchange.post("second", LogLine(20, "still there"))
    assert exchange.take() == [LogLine(20, "still there")]
    assert exchange.begin("third") is START


def test_an_error_is_taken_from_a_worker_without_a_group() -> None:
    exchange = MessageExchange(START)
    refusal = WorkerRefusal.of(StoreError("a store is missing", got="run-1", remedy="Copy it"))
    exchange.refuse(refusal)
    (found,) = exchange.take()
    assert isinstance(found, WorkerRefusal)
    error = found.error()
    assert type(error) is StoreError
    assert str(error) == "a store is missing: got run-1. Copy it."
