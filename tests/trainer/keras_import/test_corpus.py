"""Sixty generated model files: each gives the answers of its network, or is refused with a cure."""

import re
from pathlib import Path

import numpy as np
import pytest
from support.data import forward_pass, model_corpus
from support.data.model_files import PICTURES

from contract.errors import ModelError
from trainer.graph import numpy_backend
from trainer.keras_import import reader

SOUND = range(0, model_corpus.COUNT, 2)
FAULTY = range(1, model_corpus.COUNT, 2)
FAULTS = [*model_corpus.FAULTS_OF_NETWORKS, *model_corpus.FAULTS_OF_FILES]


def _container(number: int, release: int) -> str:
    kinds = model_corpus.CONTAINERS[release]
    return kinds[number // 6 % len(kinds)]


@pytest.mark.parametrize("number", SOUND)
def test_a_sound_file_answers_as_its_network(tmp_path: Path, number: int) -> None:
    sample = model_corpus.network(number)
    paths = model_corpus.write(tmp_path, sample, _container(number, sample.release))
    found = reader.read(paths[0], weights=paths[1] if len(paths) > 1 else None)
    expected = forward_pass.compute(sample.operations, PICTURES)
    assert np.ptp(expected) > 1e-5
    answers = numpy_backend.predict(found.network, PICTURES)
    np.testing.assert_allclose(answers, expected, atol=2e-5 * max(1, np.abs(expected).max()))
    assert found.notes == ()


@pytest.mark.parametrize("number", FAULTY)
def test_a_faulty_file_is_refused_by_name_and_with_a_cure(tmp_path: Path, number: int) -> None:
    fault = number // 2 % len(FAULTS)
    sample = model_corpus.network(number)
    named = "theirs|weights"
    if fault < len(model_corpus.FAULTS_OF_NETWORKS):
        named = model_corpus.FAULTS_OF_NETWORKS[fault](sample)
    paths = model_corpus.write(tmp_path, sample, _container(number, sample.release))
    if fault >= len(model_corpus.FAULTS_OF_NETWORKS):
        spoil = model_corpus.FAULTS_OF_FILES[fault - len(model_corpus.FAULTS_OF_NETWORKS)]
        spoil(model_corpus.weights_of(paths))
    with pytest.raises(ModelError) as refusal:
        reader.read(paths[0], weights=paths[1] if len(paths) > 1 else None)
    assert re.search(named, refusal.value.what)
    assert "theirs" in refusal.value.what or "weights" in refusal.value.what
    assert refusal.value.remedy


def test_the_corpus_holds_every_fault_and_every_kind_of_file() -> None:
    assert {number // 2 % len(FAULTS) for number in FAULTY} == {*range(len(FAULTS))}
    for numbers in (SOUND, FAULTY):
        found = {(n % 3 + 1, _container(n, n % 3 + 1)) for n in numbers}
        assert found == {
            (release, kind) for release, kinds in model_corpus.CONTAINERS.items() for kind in kinds
        }
