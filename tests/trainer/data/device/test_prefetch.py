import threading
import time
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from contract.errors import TrainingError
from trainer.data.device.prefetch import prefetch


def batches(count: int, log: list[int] | None = None) -> Iterator[tuple]:
    for number in range(count):
        if log is not None:
            log.append(number)
        frames = np.full((2, 4, 4, 3), number, np.uint8)
        yield np.array([number, number]), frames, np.array([0.5, 0.5], np.float32)


def test_all_batches_arrive_in_order_as_tensors() -> None:
    for number, batch in enumerate(prefetch(batches(5))):
        assert keras.ops.is_tensor(batch.frames)
        assert (np.asarray(batch.frames) == number).all()
        assert batch.numbers.tolist() == [number, number]


def test_one_batch_is_moved_while_another_is_used() -> None:
    log: list[int] = []
    source = prefetch(batches(5, log))
    next(source)
    deadline = time.monotonic() + 5
    while len(log) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(0.05)
    assert log == [0, 1]


def test_an_error_of_the_batches_is_raised() -> None:
    def failing() -> Iterator[tuple]:
        yield from batches(2)
        raise TrainingError("reader 0 died")

    with pytest.raises(TrainingError, match="reader 0 died"):
        list(prefetch(failing()))


def test_no_thread_is_left_when_the_caller_stops() -> None:
    source = prefetch(batches(100))
    next(source)
    source.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("prefetch")]
