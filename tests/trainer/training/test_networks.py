import tomllib
from pathlib import Path

import pytest

from contract.errors import TrainingError
from contract.train_config import DEFAULT_NETWORK, NETWORKS
from trainer.training import networks
from trainer.training.networks import find_network, read_networks

# A network of few parameters: 3 * 3 * 3 * 2 + 2, then 42 * 42 * 2 + 1 of the steering.
SMALL = """
[small]
source = "this test"
activation = "elu"
parameters = 3_585
layers = [
    { kind = "scale" },
    { kind = "conv", filters = 2, size = 3, stride = 3 },
    { kind = "flatten" },
    { kind = "steering" },
]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "networks.toml"
    path.write_text(text)
    return path


def test_the_file_has_the_networks_that_the_option_names() -> None:
    assert tuple(read_networks()) == NETWORKS
    assert NETWORKS[0] == DEFAULT_NETWORK
    assert find_network(DEFAULT_NETWORK).parameters == 252_219


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    known = "nvidia-like, pilotnet, wide, squeeze-excitation"
    with pytest.raises(TrainingError, match=f"no such network: got resnet. Known: {known}"):
        find_network("resnet")


def test_a_network_is_read_row_by_row(tmp_path: Path) -> None:
    network = find_network("small", written(tmp_path, SMALL))
    assert [row.kind for row in network.rows] == ["scale", "conv", "flatten", "steering"]
    assert network.rows[1].values == {"filters": 2, "size": 3, "stride": 3}
    assert (network.source, network.activation, network.parameters) == ("this test", "elu", 3585)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"elu"', '"mish"', "unknown activation: got mish. Known: elu, relu"),
        ('source = "this test"', "", "has other keys than a network has"),
        ('source = "this test"', "source = 5", "a value of source of another type: got 5"),
        ("3_585", "3_584", "another number of parameters than it says: got 3,585, not 3,584"),
        ("filters = 2", "filters = 3", "another number of parameters"),
        ('"conv"', '"convolution"', "row 2: its kind is unknown"),
        (", stride = 3", "", "row 2: it has other values"),
        ("stride = 3", "stride = 0", "row 2: stride is out of range: got 0. It takes 1 to 16"),
        ("size = 3", "size = 3.0", "row 2: size is out of range: got 3.0"),
        ("filters = 2", "filters = true", "row 2: filters is out of range: got True"),
        ('{ kind = "scale" },', "", "must scale the pixels"),
        ('    { kind = "steering" },', "", "must end with its only row of the kind steering"),
        ('"flatten"', '"steering"', "must end with its only row of the kind steering"),
        ('    { kind = "flatten" },', "", "row 3: it needs a row of values"),
        (
            '"flatten"',
            '"flatten" }, { kind = "conv", filters = 2, size = 3, stride = 3',
            "row 4: it needs an image",
        ),
        ('"scale" }', '"scale" }, { kind = "crop", top = 100, bottom = 28 }', "leaves nothing of"),
        ("parameters", "parameters parameters", "is not TOML"),
    ],
    ids=str,
)
def test_a_fault_of_the_file_is_told_where_it_is(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert before in SMALL
    with pytest.raises(TrainingError, match=message):
        read_networks(written(tmp_path, SMALL.replace(before, after, 1)))


def test_every_kind_of_row_is_described_in_the_file() -> None:
    text = networks.FILE.read_text()
    described = text[: text.index("[nvidia-like]")]
    assert all(f"#   {kind} " in described for kind in networks.KINDS)
    rows = [row for table in tomllib.loads(text).values() for row in table["layers"]]
    assert {row["kind"] for row in rows} == set(networks.KINDS)
