"""What is written down of a pass: links by identity, copies of what was, constants and what was not seen."""

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.insight.operation import Passing, Unknown
from pellucid.insight.record import INPUT, Record
from pellucid.insight.trace import trace


def written(keep: bool = True) -> tuple[Record, Tensor]:
    record = Record(nn.Linear(2, 2), lambda *_: keep)
    x = torch.ones(1, 2)
    record.picture(x)
    return record, x


def test_a_tensor_that_comes_out_and_goes_in_links_two_steps() -> None:
    """By identity, so that an equal one is another."""
    record, x = written()
    y = x + 1
    record.call("block", "add", (x, 1), {}, y)
    record.call("block", "relu", (y,), {}, z := y.relu())
    assert [(step.name, step.inputs) for step in record.steps.values()] == [
        (INPUT, ()),
        ("block.add", (INPUT,)),
        ("block.relu", ("block.add",)),
    ]
    assert record.name_of(z) == "block.relu"
    assert record.name_of(z.clone()) is None


def test_what_was_is_kept_though_it_is_written_over() -> None:
    """The copy is of the moment."""
    record, x = written()
    x += 5
    assert record.kept[INPUT].tolist() == [1, 1]
    assert written(keep=False)[0].kept == {}


def test_a_name_that_is_taken_gets_a_number() -> None:
    """As Keras counts."""
    record, x = written()
    for _ in range(3):
        record.call("", "relu", (x,), {}, x.relu())
    assert [*record.steps] == [INPUT, "relu", "relu_1", "relu_2"]


def test_parameters_are_constants_and_so_is_what_is_made_of_them() -> None:
    """A step that no picture changes is marked."""
    module = nn.Linear(2, 2)
    record = Record(module, lambda *_: True)
    x = torch.ones(1, 2)
    record.picture(x)
    record.call("", "mul", (module.bias, 2), {}, doubled := module.bias * 2)
    record.call("", "add", (x, doubled), {}, x + doubled)
    assert record.steps["mul"].constant
    assert not record.steps["add"].constant
    assert not record.flows(module.weight)
    assert record.flows(x)


def test_what_could_not_be_watched_is_no_constant() -> None:
    """What went through NumPy comes from nobody knows where in the picture, and that is said."""

    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.from_numpy(np.square(x.numpy())).relu()

    found = trace(Net(), torch.ones(1, 3, 3))
    assert found.how == "hooks"
    assert isinstance(found.steps["unseen"].operation, Unknown)
    assert found.steps["unseen"].inputs == (INPUT,)
    assert found.steps["relu"].inputs == ("unseen",)
    assert found.value("relu").tolist() == [[[1.0] * 3] * 3]


def test_several_outputs_are_several_steps() -> None:
    """Each part of a chunk has a name, and no arithmetic."""

    class Halves(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = x.chunk(2, 1)
            return first + second

    found = trace(Halves(), torch.ones(4, 2, 2))
    assert [*found.steps][1:3] == ["chunk", "chunk_1"]
    assert isinstance(found.steps["chunk"].operation, Unknown)


def test_identities_leave_no_step() -> None:
    """They pass the very tensor on."""
    found = trace(nn.Sequential(nn.Identity(), nn.ReLU()), torch.ones(1, 2, 2))
    assert found.steps["1"].inputs == (INPUT,)
    assert isinstance(found.steps[INPUT].operation, Passing)
