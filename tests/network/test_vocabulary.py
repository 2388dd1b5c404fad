"""The words of a network's text."""

from typing import get_args

import pytest

from pellucid.network.blueprint import ACTIVATIONS, Augmentation, Layer
from pellucid.network.text import parse
from pellucid.network.vocabulary import KINDS, LAYERS, SYNONYMS, WORDS, known, near


def test_every_kind_of_layer_has_a_word() -> None:
    """No layer of the blueprint is without its line of text."""
    kinds = {one for part in get_args(Layer) for one in (get_args(part) or (part,))}
    assert kinds >= set(get_args(Augmentation))
    assert kinds <= set(WORDS)


@pytest.mark.parametrize("word", [word for word in KINDS if word != "input"])
def test_the_example_of_each_word_can_be_read(word: str) -> None:
    """What an error proposes is right."""
    example = KINDS[word].example.partition(" (")[0]
    (layer,) = parse(f"input 28x28x1; {example}").layers
    assert WORDS[type(layer)] == word


def test_every_field_has_a_place_in_its_words() -> None:
    """What a layer can hold can be written: needed, extra and options are all of its fields."""
    for word, kind in KINDS.items():
        written = {*kind.needed, *kind.extra, *kind.options}
        if word not in ("input", "zeropad"):
            assert written == set(kind.make.__dataclass_fields__), word


def test_keras_names_mean_the_same() -> None:
    """Case and underscores do not matter; a word that nobody knows is None."""
    assert known("Max_Pooling2D", LAYERS) == "maxpool"
    assert known("GlobalAveragePooling2D", LAYERS) == "globalavgpool"
    assert known("LeakyReLU", ACTIVATIONS) == "leaky_relu"
    assert known("con", LAYERS) is None
    options = {option for kind in KINDS.values() for option in (*kind.needed, *kind.extra, *kind.options)}
    assert set(SYNONYMS.values()) <= set(KINDS) | options


def test_the_nearest_word_is_proposed() -> None:
    """One word, and something else where none is near."""
    assert near("con", LAYERS, "no") == "Did you mean 'conv'?"
    assert near("qqqq", LAYERS, "no") == "no"
