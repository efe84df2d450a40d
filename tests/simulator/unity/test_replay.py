import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.services import scripted
from support.services.scripted import Peer

from simulator.recording.frame_files import list_frames
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale
from simulator.unity.replay import replay


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("replay") / "run", rows=5)


def answer_all(peer: Peer) -> None:
    """Answer every telemetry."""
    while text := peer.hear():
        if text.startswith("42"):
            peer.say('42["steer",{"steering_angle":"0.25","throttle":"1"}]')


def test_every_frame_is_sent_and_answered(run: Path) -> None:
    counts: list[int] = []
    with (
        scripted.bridge(answer_all) as url,
        UnityClient(url, find_locale("en-US")) as client,
    ):
        result = replay(client, list_frames(run, None), on_progress=counts.append)
    assert (result.telemetries, result.answered, result.manual) == (5, 5, 0)
    assert result.steering_min == result.steering_mean == result.steering_max == 0.25
    assert result.p50_ms <= result.p99_ms
    assert result.speed_mph == pytest.approx(5 * 0.07 * 11.57, abs=0.02)
    assert counts == [1, 2, 3, 4, 5]


def test_two_telemetries_start_and_each_answer_brings_one_more(run: Path) -> None:
    def check_order(peer: Peer) -> None:
        assert peer.hear() == "2"
        assert peer.hear().startswith("42")
        assert peer.hear().startswith("42")
        for _ in range(3):
            peer.say('42["manual",{}]')
            assert peer.hear().startswith("42")
        for _ in range(2):
            peer.say('42["manual",{}]')
        peer.hear()

    with scripted.bridge(check_order) as url, UnityClient(url, find_locale("en-US")) as client:
        assert replay(client, list_frames(run, None)).manual == 5


def test_one_answer_to_two_telemetries_leaves_one_loop(run: Path) -> None:
    def answer_both_at_once(peer: Peer) -> None:
        assert peer.hear() == "2"
        assert peer.hear().startswith("42")
        while (text := peer.hear()) and text.startswith("42"):
            peer.say('42["steer",{"steering_angle":"0.25","throttle":"1"}]')

    with (
        scripted.bridge(answer_both_at_once) as url,
        UnityClient(url, find_locale("en-US")) as client,
    ):
        result = replay(client, list_frames(run, None))
    assert (result.telemetries, result.answered, result.coalesced, result.complete) == (
        5,
        4,
        1,
        True,
    )
    assert result.p99_ms < 200


def test_an_unanswered_telemetry_ends_the_replay(run: Path) -> None:
    def answer_once(peer: Peer) -> None:
        peer.say('42["manual",{}]')
        while peer.hear():
            pass

    with (
        scripted.bridge(answer_once) as url,
        UnityClient(url, find_locale("en-US"), timeout_s=0.2) as client,
    ):
        result = replay(client, list_frames(run, None))
    assert (result.telemetries, result.answered, result.coalesced) == (3, 1, 1)
    assert not result.complete


def test_realtime_sends_at_most_fifteen_frames_a_second(run: Path) -> None:
    with scripted.bridge(answer_all) as url, UnityClient(url, find_locale("en-US")) as client:
        assert replay(client, list_frames(run, None), realtime=True).seconds >= 4 / 15


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


def test_a_missing_bridge_is_reported_in_one_line_with_status_1(run: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "replay", str(run), "--bridge", "ws://127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("simulator: no bridge answers at ws://127.0.0.1:1")
