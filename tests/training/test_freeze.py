"""What learns and what stays: counted beforehand, proved bit for bit afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.training.freeze import Freeze, FreezeError, Tensors, plan_freeze, prove

BACKBONE = {
    "low.weight": np.ones((2, 3), np.float32),
    "bn.weight": np.ones(2, np.float32),
    "bn.running_mean": np.zeros(2, np.float32),
    "bn.num_batches_tracked": np.array(7),
    "high.weight": np.ones((4, 2), np.float32),
}


@pytest.fixture
def freeze() -> Freeze:
    return plan_freeze("bn", BACKBONE, frozenset({"high.weight"}), 10)


def after(**changes: float) -> Tensors:
    return {name: values + values.dtype.type(changes.get(name, 0)) for name, values in BACKBONE.items()}


def test_the_plan_counts_parameters_and_not_statistics(freeze: Freeze) -> None:
    """8 of 16 parameters learn; the running mean and the counter are two tensors of statistics."""
    assert (freeze.parameters, freeze.frozen, freeze.head, freeze.statistics) == (8, 8, 10, 2)
    assert freeze.told() == (
        "Above bn, 8 parameters of the backbone learn, and 10 of the new head; 8 stay as they are, and so do "
        "2 tensors of batch statistics."
    )
    assert replace(freeze, boundary="pixels").told().startswith("In all layers, 8 parameters of the backbone")


def test_a_training_that_kept_its_word_is_proved(freeze: Freeze) -> None:
    """Four tensors are equal to the bit and one has changed."""
    assert prove(freeze, BACKBONE, after(**{"high.weight": 1e-7})) == {
        "equal": 4,
        "changed": 1,
        "bit_for_bit": True,
    }


@pytest.mark.parametrize("name", ["low.weight", "bn.weight", "bn.running_mean", "bn.num_batches_tracked"])
def test_whatever_was_frozen_and_moved_is_named(freeze: Freeze, name: str) -> None:
    """A weight, a scale, a statistic or a counter that changed by the least amount is caught."""
    with pytest.raises(FreezeError) as caught:
        prove(freeze, BACKBONE, after(**{"high.weight": 1.0, name: 1.0}))
    assert str(caught.value) == (
        f"1 tensors that were frozen have changed in training: '{name}'. They were expected to be equal, bit "
        "for bit, to what they were before. Nothing was written. This is a fault of Pellucid's: report the "
        "backbone."
    )


def test_what_was_to_learn_and_did_not_is_named(freeze: Freeze) -> None:
    """A training in which nothing happened is no fine-tuning."""
    with pytest.raises(FreezeError) as caught:
        prove(freeze, BACKBONE, after())
    assert str(caught.value).startswith(
        "1 tensors that were to learn have not changed: 'high.weight'. Each of them was expected to move"
    )


def test_statistics_that_were_to_follow_the_pictures_may_move_and_others_may_not() -> None:
    """They are counted and told apart; one that stays, and a weight that moves with them, are named."""
    asked = plan_freeze("low", BACKBONE, frozenset({"high.weight"}), 10, frozenset({"bn.running_mean"}))
    assert (asked.parameters, asked.frozen, asked.statistics, asked.to_json()["updated"]) == (8, 8, 1, 1)
    assert asked.told().endswith(
        "and so do 1 tensors of batch statistics. 1 more follow the pictures, as was asked."
    )
    moved = {"high.weight": 1.0, "bn.running_mean": 1.0}
    assert prove(asked, BACKBONE, after(**moved)) == {"equal": 3, "changed": 2, "bit_for_bit": True}
    with pytest.raises(FreezeError, match=r"1 tensors that were frozen have changed in training: 'bn\.num_"):
        prove(asked, BACKBONE, after(**moved, **{"bn.num_batches_tracked": 1.0}))
    with pytest.raises(FreezeError, match=r"1 tensors that were to learn have not changed: 'bn\.run"):
        prove(asked, BACKBONE, after(**{"high.weight": 1.0}))
