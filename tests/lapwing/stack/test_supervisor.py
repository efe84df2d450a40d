import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lapwing.stack.processes import Process
from lapwing.stack.supervisor import Supervisor


class Lines:
    """Keeps what is printed."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, name: str, text: str) -> None:
        self.all.append((name, text))

    def await_text(self, text: str, times: int = 1) -> None:
        await_true(lambda: sum(text in line for _, line in self.all) >= times)


def await_true(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def process(name: str, code: str, stop_s: float = 5.0) -> Process:
    return Process(name, (sys.executable, "-c", code), stop_s)


FOREVER = "import time; print('up'); time.sleep(60)"


def test_each_line_carries_its_services_name_and_is_kept(tmp_path: Path) -> None:
    lines = Lines()
    table = [process("one", FOREVER), process("two", FOREVER)]
    with Supervisor(table, {}, tmp_path / "logs", lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("up", times=2)
    assert sorted(lines.all) == [("one", "up"), ("two", "up")]
    assert (tmp_path / "logs" / "one.log").read_text() == "up\n"


def test_the_next_starts_when_the_one_before_is_ready(tmp_path: Path) -> None:
    lines, order = Lines(), []

    def ready(started: Process) -> None:
        lines.await_text("up", times=len(order) + 1)
        order.append(started.name)

    table = [process("one", FOREVER), process("two", FOREVER)]
    with Supervisor(table, {}, tmp_path, lines) as supervisor:
        supervisor.start(ready)
    assert order == ["one", "two"]


def test_services_are_told_their_settings(tmp_path: Path) -> None:
    lines = Lines()
    code = "import os, time; print(os.environ['LAPWING_X']); time.sleep(60)"
    with Supervisor([process("one", code)], {"LAPWING_X": "told"}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("told")


def test_what_dies_is_started_again_and_said_so(tmp_path: Path) -> None:
    lines, stop = Lines(), threading.Event()
    table = [process("one", "print('up'); raise SystemExit(3)")]
    with Supervisor(table, {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        watcher = threading.Thread(target=supervisor.watch, args=(stop,))
        watcher.start()
        lines.await_text("up", times=2)
        stop.set()
        watcher.join()
    assert any("ended with status 3" in text for _, text in lines.all)


def test_what_does_not_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    lines = Lines()
    code = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '60']); print('child', child.pid); time.sleep(60)"
    )
    with Supervisor([process("one", code, stop_s=0.2)], {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("child")
    child = next(text.split()[1] for _, text in lines.all if text.startswith("child"))
    state = Path(f"/proc/{child}/stat")
    await_true(lambda: not state.exists() or state.read_text().split()[2] == "Z")
    assert ("one", "did not end by itself: killed") in lines.all
