import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.waiting import await_true

from contract.printing import TextConsole
from lapwing.output.terminal import Terminal
from lapwing.stack.processes import Process
from lapwing.stack.supervisor import PrintedLines, Supervisor


class Lines:
    """Collects the lines that processes print."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, name: str, text: str) -> None:
        self.all.append((name, text))

    def await_text(self, text: str, times: int = 1, timeout_s: float = 10.0) -> None:
        await_true(lambda: sum(text in line for _, line in self.all) >= times, timeout_s)


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


CHATTY = (
    "for n in range(2_000): print('line', n, 'x' * 100)\nprint('done')\nimport time; time.sleep(60)"
)


def test_a_log_on_a_full_disk_does_not_hold_its_service_up(tmp_path: Path) -> None:
    """A service waits for ever if nobody takes what it prints: a pipe holds 64 KB."""
    lines = Lines()
    (tmp_path / "one.log").symlink_to("/dev/full")
    with Supervisor([process("one", CHATTY)], {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("done", timeout_s=60)
        (tmp_path / "one.log").unlink()
    said = [text for _, text in lines.all if not text.startswith("line ")]
    assert said == ["its log is not written: No space left on device", "done"]


def unread_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("opened", "why"),
    [
        (lambda: os.open("/dev/full", os.O_WRONLY), "No space left"),
        (unread_pipe, "Broken pipe"),
    ],
    ids=["a full disk", "nobody reads it"],
)
def test_an_output_that_takes_nothing_does_not_hold_a_service_up(
    tmp_path: Path, opened: Callable[[], int], why: str
) -> None:
    """As in `lapwing up >up.log` on a full disk, and `lapwing up | head`."""
    output = os.fdopen(opened(), "w")
    screen = Terminal(TextConsole(file=output, width=40))
    table = [process("one", CHATTY)]
    with Supervisor(table, {}, tmp_path / "logs", screen.print_line) as supervisor:
        supervisor.start(lambda _: None)
        log = tmp_path / "logs" / "one.log"
        await_true(lambda: log.exists() and log.read_text().endswith("done\n"))
    assert len(log.read_text().splitlines()) == 2_001
    with pytest.raises(OSError, match=why):
        output.close()


def test_what_could_not_be_printed_is_counted(tmp_path: Path) -> None:
    class Failing(Lines):
        failing = True

        def __call__(self, name: str, text: str) -> None:
            if self.failing:
                raise BrokenPipeError(32, "Broken pipe")
            super().__call__(name, text)

    lines = Failing()
    printed = PrintedLines("one", lines)
    printed.print("a")
    printed.print("b")
    lines.failing = False
    printed.print("c")
    printed.print("d")
    assert [text for _, text in lines.all] == ["2 lines could not be printed", "c", "d"]


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


@contextmanager
def watched(supervisor: Supervisor) -> Iterator[None]:
    """Watch over processes in a thread, as `lapwing up` does."""
    stop = threading.Event()
    watcher = threading.Thread(target=supervisor.watch, args=(stop,))
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def test_a_service_that_cannot_be_started_costs_the_others_no_restart(tmp_path: Path) -> None:
    """Its program is gone for a while, as after too many processes."""
    lines, program = Lines(), tmp_path / "program"
    program.write_text("#!/bin/sh\necho here\nexit 3\n")
    program.chmod(0o700)
    gone = tmp_path / "gone"
    table = [
        Process("one", (str(program),), 5.0),
        process("two", "print('up'); raise SystemExit(4)"),
    ]
    with Supervisor(table, {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("here")
        program.rename(gone)
        with watched(supervisor):
            lines.await_text("No such file or directory")
            seen = sum(text == "up" for _, text in lines.all)
            lines.await_text("up", times=seen + 1)
            gone.rename(program)
            lines.await_text("here", times=2)
    assert any(
        name == "lapwing" and text.startswith("the watch of the services failed: ")
        for name, text in lines.all
    )


class ChokingLines(Lines):
    """Raises an error at a certain line."""

    def __call__(self, name: str, text: str) -> None:
        if text == "choke":
            raise RuntimeError(text)
        super().__call__(name, text)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_service_whose_output_nobody_reads_any_more_is_started_again(tmp_path: Path) -> None:
    """It would wait for ever once the pipe is full."""
    lines, once = ChokingLines(), tmp_path / "once"
    code = (
        f"import pathlib, time; once = pathlib.Path({str(once)!r}); first = not once.exists();"
        "once.touch(); print('choke' if first else 'up', flush=True); time.sleep(600)"
    )
    with Supervisor([process("one", code)], {}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        with watched(supervisor):
            lines.await_text("is ended, because its output cannot be read")
            lines.await_text("up")


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


def test_a_service_that_uses_too_much_memory_loses_its_largest_process(tmp_path: Path) -> None:
    """As in a container the worker lives, and tells why its job died."""
    lines, stop = Lines(), threading.Event()
    hungry = "x = bytearray(150 << 20); import time; time.sleep(60)"
    code = (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', {hungry!r}]);"
        "print('child', child.pid, 'ended', child.wait()); time.sleep(60)"
    )
    table = [Process("one", (sys.executable, "-c", code), 5.0, "LAPWING_X_MEMORY")]
    with Supervisor(table, {"LAPWING_X_MEMORY": "100m"}, tmp_path, lines) as supervisor:
        supervisor.start(lambda _: None)
        watcher = threading.Thread(target=supervisor.watch, args=(stop,))
        watcher.start()
        lines.await_text("ended -9")
        lines.await_text("more than its bound of 100 MiB")
        stop.set()
        watcher.join()
    ended = next(text for _, text in lines.all if text.startswith("child"))
    killed = next(text for _, text in lines.all if "its bound" in text)
    assert f"process {ended.split()[1]}, its largest, was killed" in killed
    assert killed.endswith("LAPWING_X_MEMORY sets the bound")
    assert not any("started again" in text for _, text in lines.all)


def test_files_of_the_user_are_not_run_in_the_place_of_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the service nor by the processes that it starts in turn."""
    for name in ("inference", "http", "queue", "json"):
        (tmp_path / f"{name}.py").write_text("print('the file of the user')\nraise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    spawn = "import http, json, queue, multiprocessing as m; m.get_context('spawn')"
    code = f"{spawn}.Process(target=print, args=('spawned',)).start()"
    table = [
        Process("service", (sys.executable, "-m", "inference", "--help"), 5.0),
        process("spawning", f"import time; {code}; time.sleep(60)"),
    ]
    lines = Lines()
    with Supervisor(table, {}, tmp_path / "logs", lines) as supervisor:
        supervisor.start(lambda _: None)
        lines.await_text("usage: python -m inference")
        lines.await_text("spawned")
    assert not any("user" in text for _, text in lines.all)
