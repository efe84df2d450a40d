import json
from pathlib import Path

import keras

from contract.models import layer_table as contract
from trainer.export import layer_table
from trainer.training import network_builder


def test_our_network_is_described_layer_by_layer(tmp_path: Path) -> None:
    layer_table.write(tmp_path, network_builder.build())
    table = json.loads((tmp_path / contract.FILE).read_text())
    assert table[0] == {
        "name": "cropping",
        "kind": "Cropping2D",
        "detail": "43 top, 12 bottom",
        "activation": "",
        "output_shape": [73, 128, 3],
        "parameters": 0,
    }
    assert table[1]["detail"] == "x / 127.5 - 1"
    assert (table[2]["detail"], table[2]["activation"]) == ("5 x 5, stride 2", "elu")
    assert table[5]["detail"] == "3 x 3"
    assert table[7]["detail"] == "rate 0.5"
    assert (table[-1]["output_shape"], table[-1]["activation"]) == ([1], "")
    assert sum(layer["parameters"] for layer in table) == 252_219


def test_layers_that_only_imported_networks_have_are_described_too() -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20, 30, 3)),
            layers.Resizing(10, 12),
            layers.Rescaling(0.3, offset=0.5),
            layers.ZeroPadding2D(((1, 0), (0, 2))),
            layers.Conv2D(2, (3, 5), strides=(2, 1), padding="same"),
            layers.MaxPooling2D(2),
            layers.ELU(alpha=0.5),
            layers.BatchNormalization(),
        ]
    )
    assert [layer.detail for layer in layer_table.describe_layers(model)] == [
        "to 10 x 12",
        "x * 0.3 + 0.5",
        "1 top, 2 right",
        "3 x 5, stride 2 x 1, same padding",
        "2 x 2, stride 2",
        "alpha 0.5",
        "",
    ]
