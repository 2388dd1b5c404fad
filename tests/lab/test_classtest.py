"""The class test: the lecture's own, random ones that can be done by hand, marks and the slips they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.lab.classtest import LARGEST_SEED, mark, network_of, pose
from pellucid.lab.question import QuestionError
from pellucid.network.account import account
from pellucid.network.blueprint import Conv, Dense
from pellucid.network.catalogue import NETWORKS

SHAPES = ["4x4x1", "4x4x2", "2x2x2", "8", "10", "10", "3"]
PARAMETERS = ["5", "10", "0", "0", "90", "110", "33"]
ACTIVATIONS = {0: "relu", 1: "relu", 4: "relu", 5: "relu", 6: "softmax"}
RIGHT = (
    {f"{index}.shape": shape for index, shape in enumerate(SHAPES)}
    | {f"{index}.parameters": count for index, count in enumerate(PARAMETERS)}
    | {f"{index}.activation": name for index, name in ACTIVATIONS.items()}
    | {"total": "248"}
)


def test_the_lectures_own_test_is_seed_0() -> None:
    """Posed in words without its answers; FACTS.md's shapes, parameters and activations are right."""
    posed = pose({"seed": 0})
    assert posed["input"] == "A grey picture of 8x8x1"
    assert [layer["told"] for layer in posed["layers"]] == [
        "Convolution: 1 filter of 2x2, valid padding, stride 2",
        "Convolution: 2 filters of 2x2, same padding, stride 1",
        "Max pooling: 2x2, stride 2",
        "Flatten",
        "Dense: 10 units",
        "Dense: 10 units",
        "Dense: one unit for each of 3 classes",
    ]
    assert posed["layers"][2]["asks"] == ["shape", "parameters"]
    reply = mark({"seed": 0, "answers": RIGHT})
    assert (reply["right"], reply["of"]) == (20, 20)


@pytest.mark.parametrize("name", RIGHT)
def test_each_wrong_answer_is_marked_wrong_and_explained(name: str) -> None:
    """One answer changed: that one is wrong, with the right one and the arithmetic; the others stay right."""
    wrong = "none" if "activation" in name else "7777"
    reply = mark({"seed": 0, "answers": RIGHT | {name: wrong}})
    assert reply["right"] == 19
    assert reply["marks"][name]["mark"] == "wrong"
    assert reply["marks"][name]["right"] == RIGHT[name]
    assert len(reply["marks"][name]["why"]) >= 15


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("0.shape", "floor((8 - 2) / 2) + 1 = 4 rows and columns; a channel for each filter, 1: 4x4x1."),
        ("1.shape", "same padding: ceil(4 / 1) = 4 rows and columns; a channel for each filter, 2: 4x4x2."),
        ("2.shape", "floor((4 - 2) / 2) + 1 = 2 rows and columns; pooling keeps the channels, 2: 2x2x2."),
        ("3.shape", "All numbers in a row: 2*2*2 = 8."),
        ("4.shape", "A number for each unit: 10."),
        ("1.parameters", "(2*2*1 + 1)*2 = 10"),
        ("2.parameters", "It has nothing to learn: 0."),
        ("total", "5 + 10 + 0 + 0 + 90 + 110 + 33 = 248"),
    ],
)
def test_the_arithmetic_of_the_lectures_test(name: str, why: str) -> None:
    """Literally."""
    assert mark({"seed": 0, "answers": {name: "7777"}})["marks"][name]["why"] == why


@pytest.mark.parametrize(
    ("name", "answer", "slip"),
    [
        ("1.parameters", "8", "That leaves out the biases, 2 of them. "),
        ("total", "222", "That leaves out the biases. "),
        (
            "5.parameters",
            "910",
            "That multiplies by the parameters of the layer before, as the lecture's slides do",
        ),
        ("2.parameters", "8", "That is how many numbers come out; none of them is learnt. "),
    ],
)
def test_a_slip_is_named(name: str, answer: str, slip: str) -> None:
    """Forgotten biases, the slides' own mistake, and outputs taken for parameters."""
    assert mark({"seed": 0, "answers": {name: answer}})["marks"][name]["why"].startswith(slip)


@pytest.mark.parametrize(
    "written",
    [
        "4x4x1",
        " 4 X 4 x 1 ",
        "4\u00d74\u00d71",
        "(4, 4, 1)",
        "[4,4,1]",
        "4 4 1",
        "4*4*1",
        "(None, 4, 4, 1)",
    ],
)
def test_an_answer_may_be_written_in_any_hand(written: str) -> None:
    """Signs, brackets, spaces and case do not matter."""
    assert mark({"seed": 0, "answers": {"0.shape": written}})["marks"]["0.shape"]["mark"] == "right"


@pytest.mark.parametrize("written", ["10", "(10,)", "(None, 10)", "[None, 10]"])
def test_a_row_of_numbers_may_be_written_as_python_does(written: str) -> None:
    """As NumPy's shape of one axis, or Keras' with a batch of no size yet."""
    assert mark({"seed": 0, "answers": {"4.shape": written}})["marks"]["4.shape"]["mark"] == "right"


def test_thousands_may_be_set_apart() -> None:
    """18,496, 18'496, 18 496 and 18496 are one number."""
    seed = next(seed for seed in range(1, 500) if account(network_of(seed)).parameters > 1000)
    total = account(network_of(seed)).parameters
    for written in (f"{total:,}", f"{total:,}".replace(",", " "), f"{total:,}".replace(",", "'"), str(total)):
        assert mark({"seed": seed, "answers": {"total": written}})["marks"]["total"]["mark"] == "right"


def test_what_is_left_open_is_neither_right_nor_wrong() -> None:
    """No answer gets no explanation, so that it can still be found."""
    reply = mark({"seed": 0, "answers": {"0.shape": "  "}})
    assert reply["right"] == 0
    assert {one["mark"] for one in reply["marks"].values()} == {"missing"}
    assert all(one["right"] == one["why"] == "" for one in reply["marks"].values())


def test_answers_that_are_no_text_are_wrong_and_no_object_is_refused() -> None:
    """A number, a list or a long text is marked, not failed on."""
    for strange in (7, [1], {"a": 1}, "1" * 1000, None):
        assert mark({"seed": 0, "answers": {"total": strange}})["marks"]["total"]["mark"] == "wrong"
    with pytest.raises(QuestionError) as caught:
        mark({"seed": 0, "answers": [1]})
    assert str(caught.value) == (
        'The question\'s \'answers\' are a list of 1. An object such as {"0.shape": "4x4x1"} was expected. '
        "Ask again with such an object."
    )


@given(seed=st.integers(0, LARGEST_SEED))
def test_every_posed_network_can_be_done_by_hand(seed: int) -> None:
    """It ends in softmax over its classes, has a convolution, and its figures are the account's."""
    network = network_of(seed)
    assert network == network_of(seed)
    assert isinstance(network.layers[0], Conv)
    last = network.layers[-1]
    assert isinstance(last, Dense)
    assert last.activation == "softmax"
    counted = account(network)
    assert counted.parameters < 500_000
    assert all(side >= 1 for row in counted.rows for side in row.output_shape)
    answers = {f"{index}.parameters": str(row.parameters) for index, row in enumerate(counted.rows)}
    reply = mark({"seed": seed, "answers": answers})
    assert reply["right"] == len(counted.rows)


def test_seeds_pose_many_networks() -> None:
    """A hundred seeds, hardly two alike; seed 0 is the catalogue's."""
    assert network_of(0) == NETWORKS["class-test"].blueprint
    assert len({network_of(seed) for seed in range(100)}) > 95
