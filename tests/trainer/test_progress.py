from trainer.progress import Progress


def test_a_step_tells_rate_and_time_left() -> None:
    told: list[dict[str, object]] = []
    now = iter([0.0, 10.0, 12.0])
    progress = Progress(lambda **fields: told.append(fields), 3, 100, 20, clock=lambda: next(now))
    progress.begin(2)
    progress.step(50, 0.5)
    assert told == [
        {"phase": "train", "epoch": 2, "epochs": 3, "step": 3, "steps": 5, "loss": 0.5,
         "samples_per_s": 25, "eta_s": 6}
    ]  # fmt: skip
    assert progress.samples_per_s == 25.0
