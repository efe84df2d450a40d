import json
from pathlib import Path

import onnx
import pytest
from support.data import models

from contract.models.registry import Registry
from trainer.export import __main__ as command


@pytest.fixture
def version(tmp_path: Path, networks: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("LAPWING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LAPWING_MODEL_DIR", str(tmp_path / "models"))
    return models.publish(Registry(tmp_path / "models"), networks / "left", "left").version


def test_a_version_becomes_an_onnx_file(
    version: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "left.onnx"
    assert command.main(["--format", "onnx", str(version), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["path"]) == (1, str(out))
    assert document["bytes"] == out.stat().st_size
    onnx.checker.check_model(str(out))
    assert command.main(["--format", "onnx", str(version), "--out", str(out)]) == 0
    assert "golden frames differ by at most" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "onnx", "lake"], "ONNX is a format of model versions: got lake"),
        (["--format", "lerobot", "lake"], "there is no recording to train on"),
        (["--format", "onnx", "9"], "no such model version: got 9"),
        (["--format", "onnx", "1", "--out", "x.h5"], "--out has a value it cannot take: got x.h5"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    version: int, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 1
    assert message in capsys.readouterr().err
