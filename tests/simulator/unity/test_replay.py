import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.services import scripted
from support.services.scripted import Peer

from contract.errors import RecordingError
from simulator.unity.client import Client
from simulator.unity.number_format import locale
from simulator.unity.replay import frames, replay


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("replay") / "run", rows=5)


def answer_all(peer: Peer) -> None:
    """Answer every telemetry; fail where more than two are in flight."""
    while text := peer.hear():
        if text.startswith("42"):
            peer.say('42["steer",{"steering_angle":"0.25","throttle":"1"}]')


def test_frames_are_the_centre_cameras_in_order(run: Path) -> None:
    names = [path.name for path in frames(run, None)]
    assert names == sorted(names)
    assert len(names) == 5
    assert all(name.startswith("center_") for name in names)
    assert len(frames(run, 2)) == 2


def test_a_folder_of_pictures_will_do(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").touch()
    (tmp_path / "a.jpg").touch()
    assert [path.name for path in frames(tmp_path, None)] == ["a.jpg", "b.jpg"]


def test_no_frames_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no frames to replay"):
        frames(tmp_path, None)


def test_every_frame_is_sent_and_answered(run: Path) -> None:
    told: list[int] = []
    with (
        scripted.bridge(answer_all) as url,
        Client(url, locale("en-US")) as client,
    ):
        drive = replay(client, frames(run, None), told=told.append)
    assert (drive.telemetries, drive.answered, drive.manual) == (5, 5, 0)
    assert drive.steering_min == drive.steering_mean == drive.steering_max == 0.25
    assert drive.p50_ms <= drive.p99_ms
    assert drive.speed_mph == pytest.approx(5 * 0.07 * 11.57, abs=0.02)
    assert told == [1, 2, 3, 4, 5]


def test_two_are_in_flight_from_the_start_and_each_answer_brings_one(run: Path) -> None:
    def count(peer: Peer) -> None:
        assert peer.hear() == "2"
        assert peer.hear().startswith("42")
        assert peer.hear().startswith("42")
        for _ in range(3):
            peer.say('42["manual",{}]')
            assert peer.hear().startswith("42")
        for _ in range(2):
            peer.say('42["manual",{}]')
        peer.hear()

    with scripted.bridge(count) as url, Client(url, locale("en-US")) as client:
        assert replay(client, frames(run, None)).manual == 5


def test_a_bridge_that_answers_two_at_once_leaves_one_loop(run: Path) -> None:
    def fold(peer: Peer) -> None:
        assert peer.hear() == "2"
        assert peer.hear().startswith("42")
        while (text := peer.hear()) and text.startswith("42"):
            peer.say('42["steer",{"steering_angle":"0.25","throttle":"1"}]')

    with scripted.bridge(fold) as url, Client(url, locale("en-US")) as client:
        drive = replay(client, frames(run, None))
    assert (drive.telemetries, drive.answered, drive.folded, drive.complete) == (5, 4, 1, True)
    assert drive.p99_ms < 200


def test_a_telemetry_that_stays_unanswered_ends_the_drive(run: Path) -> None:
    def one(peer: Peer) -> None:
        peer.say('42["manual",{}]')
        while peer.hear():
            pass

    with scripted.bridge(one) as url, Client(url, locale("en-US"), timeout_s=0.2) as client:
        drive = replay(client, frames(run, None))
    assert (drive.telemetries, drive.answered, drive.folded) == (3, 1, 1)
    assert not drive.complete


def test_realtime_keeps_to_fifteen_frames_a_second(run: Path) -> None:
    with scripted.bridge(answer_all) as url, Client(url, locale("en-US")) as client:
        assert replay(client, frames(run, None), realtime=True).seconds >= 4 / 15


def test_the_command_prints_one_document(run: Path) -> None:
    with scripted.bridge(answer_all) as url:
        done = subprocess.run(
            [sys.executable, "-m", "simulator", "replay", str(run), "--bridge", url, "--json"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answered"] == 5


def test_no_bridge_is_one_line_and_status_1(run: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "replay", str(run), "--bridge", "ws://127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("simulator: no bridge answers at ws://127.0.0.1:1")
