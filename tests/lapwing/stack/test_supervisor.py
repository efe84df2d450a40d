import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lapwing.stack.processes import Process
from lapwing.stack.supervisor import Supervisor


class Lines:
    """Collects the lines that processes print."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, name: str, text: str) -> None:
        self.all.append((name, text))

    def await_text(self, text: str, times: int = 1) -> None:
        await_true(lambda: sum(text in line for _, line in self.all) >= times)


def await_true(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)


def process(name: str, code: str, stop_timeout_s: float = 5.0) -> Process:
    return Process(name, (sys.executable, "-c", code), stop_timeout_s)


FOREVER = "import time; print('up'); time.sleep(60)"


def test_each_line_has_the_name_of_its_service_and_is_logged(tmp_path: Path) -> None:
    lines = Lines()
    table = [process("one", FOREVER), process("two", FOREVER)]
    with Supervisor(table, {}, tmp_path / "logs", lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("up", times=2)
    assert sorted(lines.all) == [("one", "up"), ("two", "up")]
    assert (tmp_path / "logs" / "one.log").read_text() == "up\n"


def test_a_process_starts_when_the_one_before_it_is_ready(tmp_path: Path) -> None:
    lines, order = Lines(), []

    def ready(started: Process) -> None:
        lines.await_text("up", times=len(order) + 1)
        order.append(started.name)

    table = [process("one", FOREVER), process("two", FOREVER)]
    with Supervisor(table, {}, tmp_path, lines) as supervisor:
        supervisor.start(ready)
    assert order == ["one", "two"]


def test_services_get_their_settings(tmp_path: Path) -> None:
    lines = Lines()
    code = "import os, time; print(os.environ['LAPWING_X']); time.sleep(60)"
    with Supervisor([process("one", code)], {"LAPWING_X": "told"}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("told")


def test_a_process_that_dies_is_restarted_with_a_message(tmp_path: Path) -> None:
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


def test_a_process_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    lines = Lines()
    code = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '60']); print('child', child.pid); time.sleep(60)"
    )
    with Supervisor([process("one", code, stop_timeout_s=0.2)], {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("child")
    child = next(text.split()[1] for _, text in lines.all if text.startswith("child"))
    state = Path(f"/proc/{child}/stat")
    await_true(lambda: not state.exists() or state.read_text().split()[2] == "Z")
    assert ("one", "did not end by itself and was killed") in lines.all
