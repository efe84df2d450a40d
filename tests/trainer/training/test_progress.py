from collections.abc import Iterator

import pytest

from trainer.training.progress import Progress, bottleneck


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports() -> list[dict[str, object]]:
    return []


@pytest.fixture
def progress(clock: Clock, reports: list[dict[str, object]]) -> Progress:
    return Progress(lambda **fields: reports.append(fields), 3, 100, 20, clock=clock)


def test_a_step_reports_speed_and_remaining_time(
    progress: Progress, clock: Clock, reports: list[dict[str, object]]
) -> None:
    clock.now_s = 10.0
    progress.begin(2)
    clock.now_s = 12.0
    progress.step(50, 0.5)
    assert reports == [
        {
            "phase": "train",
            "epoch": 2,
            "epochs": 3,
            "step": 3,
            "steps": 5,
            "loss": 0.5,
            "samples_per_s": 25,
            "data_wait_percent": 0.0,
            "eta_s": 6,
        }
    ]
    assert progress.samples_per_s == 25.0


def test_samples_of_an_earlier_process_do_not_count_for_the_speed(
    progress: Progress, clock: Clock
) -> None:
    progress.begin(1, before=40)
    clock.now_s = 2.0
    progress.step(60, 0.5)
    assert progress.samples_per_s == 10.0


def test_the_time_spent_waiting_is_measured(progress: Progress, clock: Clock) -> None:
    def items() -> Iterator[int]:
        for number in range(3):
            clock.now_s += 1.0  # the wait
            yield number

    progress.begin(1)
    for _ in progress.waiting(items()):
        clock.now_s += 3.0  # the step
    assert progress.data_wait_fraction == pytest.approx(0.25)


def test_the_bottleneck_says_what_to_do() -> None:
    assert bottleneck(0.01, 1) == "compute 99%, data 1%: nothing to do"
    assert "LAPWING_READERS=3" in bottleneck(0.3, 2)
    assert "raise --batch" in bottleneck(0.3, None)
