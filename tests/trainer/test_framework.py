import subprocess
import sys

import pytest

from trainer import framework


@pytest.mark.parametrize(
    ("machine", "environ", "onednn"),
    [
        pytest.param("x86_64", {}, "1", id="x86"),
        pytest.param("AMD64", {}, "1", id="windows"),
        pytest.param("x86_64", {"TF_ENABLE_ONEDNN_OPTS": "0"}, "0", id="turned-off"),
        pytest.param("aarch64", {}, None, id="arm"),
        pytest.param("arm64", {"TF_ENABLE_ONEDNN_OPTS": "1"}, "1", id="arm-turned-on"),
    ],
)
def test_onednn_is_on_where_it_was_measured_unless_the_user_says_otherwise(
    machine: str, environ: dict[str, str], onednn: str | None
) -> None:
    framework.set_defaults(environ, machine)
    assert environ.get("TF_ENABLE_ONEDNN_OPTS") == onednn
    assert environ["TF_CPP_MIN_LOG_LEVEL"] == "2"


def test_the_log_level_of_the_user_stays() -> None:
    environ = {"TF_CPP_MIN_LOG_LEVEL": "0"}
    framework.set_defaults(environ)
    assert environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_nothing_that_reads_the_variables_is_imported_first() -> None:
    """TensorFlow reads them once, when it is imported; the trainer's entry point comes before."""
    program = "import sys, trainer.__main__; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
