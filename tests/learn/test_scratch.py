"""A network from nothing: it learns, repeats to the bit, answers as it learnt, and refuses what cannot be."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pellucid.data.fractions import Fractions
from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.errors import PellucidError, RequestError
from pellucid.events import Event, Measured, Notice, silent
from pellucid.learn import scratch
from pellucid.learn.learned import Clock
from pellucid.learn.unfinished import Watch
from pellucid.network.build import build
from pellucid.network.keras_file import KerasError
from pellucid.network.text import parse
from pellucid.pictures.preprocess import Preprocess
from pellucid.recipe import resume, train
from pellucid.request import TrainRequest
from pellucid.run import Run, load_run
from pellucid.training import loop, pixels
from pellucid.training.checkpoint import read_state
from pellucid.training.epoch import Outcome
from pellucid.training.loop import DivergedError
from pellucid.training.own import OwnLayers

pytestmark = pytest.mark.usefixtures("one_core")


def asked(source: Path, network: str | None, out: Path, **options: object) -> TrainRequest:
    wanted = {"epochs": 2, "batch": 16, "recipe": "scratch"} | options
    return TrainRequest(source=str(source), network=network, out=out, **wanted)  # type: ignore[arg-type]


def pytorch(run: Run, *pictures: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What PyTorch says of picture files with the run's tensors: probabilities, and what the head sees."""
    layers, head = run.classifier.layers, run.classifier.head
    assert isinstance(layers, OwnLayers) and head is not None
    preprocess: Preprocess = run.classifier.preprocess
    x_NCHW = torch.from_numpy(np.stack([preprocess.read(one.read_bytes()) for one in pictures]))
    plain = build(layers.blueprint, layers.parameters).eval()
    seen: list[torch.Tensor] = []
    for name, module in plain.named_children():
        if name == [*layers.blueprint.names, None][layers.until]:
            module.register_forward_pre_hook(lambda module, given: seen.append(given[0].flatten(1)))
    with torch.no_grad():
        plain(x_NCHW)
        logits_NK = build(layers.blueprint, layers.parameters, fast=True).eval()(x_NCHW)
    return (logits_NK.double() / head.temperature).softmax(1).numpy(), torch.cat(seen or [logits_NK]).numpy()


def arrays(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pictures of a folder of class folders as (N, 12, 12), and their labels as numbers."""
    files = [(n, path) for n, sub in enumerate(sorted(folder.iterdir())) for path in sorted(sub.iterdir())]
    return (
        np.stack([np.asarray(Image.open(path)) for _, path in files]),
        np.array([n for n, _ in files], np.uint8),
    )


def as_npz(folder: Path, to: Path) -> Path:
    x, y = arrays(folder)
    np.savez(to / "strokes.npz", x=x, y=y)
    return to / "strokes.npz"


def as_idx(folder: Path, to: Path) -> Path:
    x, y = arrays(folder)
    (to / "idx").mkdir()
    head = b"\0\0\x08\x03" + np.array([len(x), 12, 12], ">u4").tobytes()
    (to / "idx" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + x.tobytes()))
    head = b"\0\0\x08\x01" + np.array([len(y)], ">u4").tobytes()
    (to / "idx" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + y.tobytes()))
    return to / "idx"


def test_it_learns_and_answers_as_pytorch_does(scratched: Run, strokes: Path) -> None:
    """Most test pictures are right; the run's answers and features are those of its network in PyTorch."""
    assert scratched.record["chosen"] == "scratch"
    assert scratched.record["test"]["accuracy"] > 0.7
    pictures = [next((strokes / name).iterdir()) for name in ("lying", "slanted", "standing")]
    probabilities_NK, features_ND = pytorch(scratched, *pictures)
    answers = [list(one.probabilities.values()) for one in scratched.predict(pictures)]
    np.testing.assert_allclose(answers, probabilities_NK, atol=1e-5)
    np.testing.assert_allclose(scratched.embed(pictures), features_ND, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [as_npz, as_idx], ids=["npz", "idx"])
def test_arrays_are_learnt_from_as_files_are(
    kind: Callable[[Path, Path], Path], strokes: Path, strokes_network: str, tmp_path: Path
) -> None:
    """An .npz and a folder of IDX files: learnt, measured, and evaluated to the same figures when loaded."""
    source = kind(strokes, tmp_path)
    made = train(asked(source, strokes_network, tmp_path / "run", epochs=12, learning_rate=0.05))
    assert made.record["test"]["accuracy"] > 0.7
    assert made.record["samples"]["skipped"] == 0
    answers = load_run(made.folder).evaluate(source)
    rows = (made.folder / "predictions.csv").read_text().splitlines()[1:]
    said = {row.split(",")[0]: row.split(",")[3] for row in rows}
    for place, row_K in zip(answers.positions, answers.probabilities_NK, strict=True):
        path = answers.scan.pictures[place].path
        assert said.get(path, made.classes[row_K.argmax()]) == made.classes[row_K.argmax()]


def test_colour_is_learnt_from_by_a_network_that_is_made_for_it(colours: Path, tmp_path: Path) -> None:
    """Without --network a network for 24 x 32 pixels of three channels is made, and tells colours apart."""
    made = train(asked(colours, None, tmp_path / "run", epochs=6))
    network = parse(made.record["network"])
    assert (network.input.height, network.input.width, network.input.channels) == (24, 32, 3)
    assert made.record["test"]["accuracy"] == 1.0
    (prediction,) = made.predict(colours / "red" / "03.png")
    assert prediction.label == "red"
    probabilities_NK, _ = pytorch(made, colours / "red" / "03.png")
    np.testing.assert_allclose(list(prediction.probabilities.values()), probabilities_NK[0], atol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        "class-test",
        "input 12x12x1; conv 4 3x3 bias=no; batchnorm; relu; globalavgpool; dense 3 bias=no",
        "input 12x12x1; scaledavgpool 2x2 tanh; flatten; rbf 3",
        "input 12x12x1; randomflip; rescale 1/255; conv 3 3x3 tanh; maxpool; flatten; dropout 0.2; dense 7",
        "input 12x12x3; depthwiseconv 3x3 relu; conv 3 1x1; globalmaxpool; softmax",
        "input 12x12x1; flatten; dense 3 softmax",
    ],
)
def test_every_way_to_end_is_trained_kept_and_read_back(network: str, strokes: Path, tmp_path: Path) -> None:
    """A name and texts of all kinds of ends: what is loaded answers as PyTorch with the same tensors."""
    made = train(asked(strokes, network, tmp_path / "run", fit="squash", epochs=1))
    assert made.record["training"]["difference"] < 1e-4
    loaded = load_run(made.folder)
    pictures = sorted((strokes / "lying").iterdir())[:3]
    probabilities_NK, _ = pytorch(loaded, *pictures)
    answers = [list(one.probabilities.values()) for one in loaded.predict(pictures)]
    np.testing.assert_allclose(answers, probabilities_NK, atol=1e-5)
    np.testing.assert_array_equal(loaded.embed(pictures), made.embed(pictures))


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
def test_a_keras_model_gives_its_layers_and_not_its_numbers(strokes: Path, tmp_path: Path) -> None:
    """Its architecture is trained from scratch, which a notice says; the run no longer needs the file."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers = keras.layers
    chain = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    path = tmp_path / "theirs.keras"
    keras.Sequential([keras.Input((12, 12, 1)), *chain]).save(path)
    heard: list[Event] = []
    request = scratch.settled(asked(strokes, str(path), tmp_path / "run"), heard.append)
    assert request.network == "input 12x12x1; conv 4 3x3 relu; flatten; dense 3 softmax"
    assert heard == [
        Notice(
            f"Of the Keras model '{path}' the layers are taken and not what it has learnt: everything is "
            "learnt anew, from your pictures alone."
        )
    ]
    by_file = train(asked(strokes, str(path), tmp_path / "run"))
    by_text = train(asked(strokes, request.network, tmp_path / "other"))
    assert by_file.record["request"]["network"] == request.network
    found, expected = (load_run(run.folder).classifier.layers for run in (by_file, by_text))
    assert isinstance(found, OwnLayers) and isinstance(expected, OwnLayers)
    assert found.key == expected.key


def test_a_keras_file_that_is_none_is_named(strokes: Path, tmp_path: Path) -> None:
    """Before any picture is looked at: what came, and what was expected."""
    path = tmp_path / "broken.keras"
    path.write_bytes(b"no archive")
    with pytest.raises(KerasError) as caught:
        train(asked(strokes, str(path), tmp_path / "run"))
    assert str(caught.value) == (
        f"The file '{path}' is no Keras file: it is no zip archive. A file that Keras 3 wrote with "
        "model.save('....keras') was expected. Check the path, or save the model again with the ending "
        ".keras."
    )
    assert not (tmp_path / "run.unfinished").exists()


def test_a_file_of_a_network_is_kept_by_what_it_says(
    strokes: Path, strokes_network: str, tmp_path: Path
) -> None:
    """The record holds its layers, so that the run can be repeated without the file."""
    (tmp_path / "net.txt").write_text(strokes_network.replace("; ", "\n") + "  # the end")
    made = train(asked(strokes, str(tmp_path / "net.txt"), tmp_path / "run"))
    assert made.record["request"]["network"] == strokes_network
    again = train(asked(strokes, strokes_network, tmp_path / "again"))
    assert (again.folder / "model.safetensors").read_bytes() == (
        made.folder / "model.safetensors"
    ).read_bytes()


def test_the_same_request_gives_the_same_bytes(strokes: Path, strokes_network: str, tmp_path: Path) -> None:
    """Equal seeds end in equal weights, another seed in others; nothing unfinished is left."""
    ends = [
        (train(asked(strokes, strokes_network, tmp_path / name, seed=seed)).folder / "model.safetensors")
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert ends[0].read_bytes() == ends[1].read_bytes() != ends[2].read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


def test_streamed_and_held_pictures_give_the_same_bytes(
    strokes: Path, strokes_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory does not suffice pictures are read anew in every epoch: the weights are the same."""
    held = train(asked(strokes, strokes_network, tmp_path / "held", augment="light"))
    monkeypatch.setattr(pixels, "_memory", lambda: 1000)
    made: list[str] = []
    take = pixels.StreamedPixels.take
    monkeypatch.setattr(
        pixels.StreamedPixels, "take", lambda one, rows_B: (made.append("read"), take(one, rows_B))[1]
    )
    streamed = train(asked(strokes, strokes_network, tmp_path / "streamed", augment="light"))
    assert len(made) > 4
    for name in ("model.safetensors", "predictions.csv"):
        assert (streamed.folder / name).read_bytes() == (held.folder / name).read_bytes()


def test_views_change_what_is_learnt(strokes: Path, strokes_network: str, tmp_path: Path) -> None:
    """The same seed with and without views ends in other weights; the record says which views."""
    for name in ("none", "shift"):
        run = train(asked(strokes, strokes_network, tmp_path / name, augment=name))
        assert run.record["training"]["augment"] == name
    plain, moved = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("none", "shift"))
    assert plain != moved


def test_a_coarse_precision_is_proved_in_float32(strokes: Path, strokes_network: str, tmp_path: Path) -> None:
    """Products in bf16 while it learns; what is kept answers as PyTorch does in float32."""
    made = train(asked(strokes, strokes_network, tmp_path / "run", precision="bf16", device="cpu"))
    assert made.record["training"]["precision"] == "bf16"
    assert made.record["training"]["difference"] < 1e-4
    fine = train(asked(strokes, strokes_network, tmp_path / "fine", device="cpu"))
    assert fine.record["training"]["epochs"][0]["loss"] != made.record["training"]["epochs"][0]["loss"]


def test_figures_are_written_while_it_runs(strokes: Path, strokes_network: str, tmp_path: Path) -> None:
    """After each epoch metrics.jsonl in the unfinished folder has one whole line more."""
    folder = tmp_path / "run.unfinished"
    counts: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Measured) and folder.is_dir() and event.done:
            file = folder / "metrics.jsonl"
            lines = file.read_text().splitlines() if file.exists() else []
            counts.append(len(lines))
            assert [json.loads(line)["epoch"] for line in lines] == list(range(1, len(lines) + 1))

    made = train(asked(strokes, strokes_network, tmp_path / "run", epochs=4), listen)
    assert counts == [0, 1, 2, 3]
    lines = [json.loads(line) for line in (made.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["epoch"] * 4 + ["stage"]
    assert lines[:4] == made.record["training"]["epochs"]
    assert not folder.exists()


def test_what_was_done_to_the_pictures_is_told_and_kept(strokes: Path, tmp_path: Path) -> None:
    """Notes of sight are notices while it runs, and stand in the record and in the report."""
    heard: list[Event] = []
    made = train(
        asked(strokes, "input 8x8x1 fit=crop; flatten; dense 10 softmax", tmp_path / "run"), heard.append
    )
    notes = [
        "The network's last layer was given 3 outputs, one a class.",
        "Pictures of other sizes are brought to 8 x 8 pixels (crop), as the network's text says.",
    ]
    assert [event.text for event in heard if isinstance(event, Notice)] == made.record["notes"]
    assert [note for note in made.record["notes"] if note in notes] == notes
    page = made.report.read_text()
    assert all(note.replace("'", "&#39;") in page for note in notes)


def test_classes_are_made_to_count_the_same_where_that_was_asked(
    strokes: Path, strokes_network: str, tmp_path: Path
) -> None:
    """A picture counts N / (K x its class's) of the training pictures; with auto and none each counts 1."""
    for path in sorted((strokes / "lying").iterdir())[10:]:
        path.unlink()
    looked = scan(open_source(strokes))
    split = split_pictures(looked, Fractions(), 0)
    found = {}
    for weights in ("balanced", "auto", "none"):
        request = asked(strokes, strokes_network, tmp_path / "run", epochs=1, class_weights=weights)
        found[weights] = scratch.learn(request, looked, split, Clock(), Watch, silent)
    counts_K = np.bincount(found["auto"].parts["train"].labels_N)
    assert counts_K[0] < counts_K[1]
    plans = {weights: one.record["training"]["plan"]["class_weights"] for weights, one in found.items()}
    balanced_K = tuple(float(counts_K.sum() / (3 * count)) for count in counts_K)
    assert plans == {"balanced": balanced_K, "auto": None, "none": None}
    answers = {weights: one.answers["test"].tobytes() for weights, one in found.items()}
    assert answers["auto"] == answers["none"] != answers["balanced"]


def test_pictures_of_all_classes_are_moved(
    strokes: Path, strokes_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only some of the test pictures are, they are spread over the split, which stands by classes."""
    labels: list[int] = []
    monkeypatch.setattr(scratch, "_MOVED", 6)
    monkeypatch.setattr(
        scratch, "shift_curve", lambda answer, pixels, labels_M: labels.extend(labels_M) or []
    )
    train(asked(strokes, strokes_network, tmp_path / "run", epochs=1))
    assert len(labels) == 6
    assert set(labels) == {0, 1, 2}


def test_a_loss_that_is_no_number_stops_and_says_what_to_do(strokes: Path, tmp_path: Path) -> None:
    """Steps that are far too long: the step is named; where nothing was learnt yet, nothing is left."""
    deep = "input 12x12x1; " + "conv 8 3x3 padding=same; " * 80 + "flatten; dense 3 softmax"
    out = tmp_path / "run"
    with pytest.raises(DivergedError) as caught:
        train(asked(strokes, deep, out, learning_rate=10, epochs=50))
    message = str(caught.value)
    assert message.startswith(("The loss was ", "The validation loss was "))
    assert (
        "A finite loss was expected: the steps were too long for this network and these pictures." in message
    )
    assert message.endswith("Train again with a lower learning rate, such as --learning-rate 2.5.")
    assert not list(tmp_path.glob("run*"))


def test_the_last_good_state_is_kept_where_a_later_epoch_fails(
    strokes: Path, strokes_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that is no number in the third epoch: the state after the second stays, and going on says so."""
    gradients = loop.Loop._gradients

    def failing(one: loop.Loop, *given: Any) -> Outcome:
        outcome = gradients(one, *given)
        return replace(outcome, loss=float("nan")) if one.step == 12 else outcome

    monkeypatch.setattr(loop.Loop, "_gradients", failing)
    out = tmp_path / "run"
    expected = (
        "The loss was nan at step 13 (epoch 3). A finite loss was expected: the steps were too long for this "
        "network and these pictures. Train again with a lower learning rate, such as --learning-rate 0.001. "
        f"The last good state is kept in '{out}.unfinished'; delete that to train at the same place."
    )
    with pytest.raises(DivergedError) as caught:
        train(asked(strokes, strokes_network, out, epochs=5))
    assert str(caught.value) == expected
    state = read_state(tmp_path / "run.unfinished")
    assert state is not None and state.facts["step"] == 10 and len(state.facts["epochs"]) == 2
    assert all(np.isfinite(values).all() for values in state.tensors.values())
    with pytest.raises(DivergedError) as caught:
        resume(out)
    assert str(caught.value) == expected


def test_a_network_that_has_learnt_nothing_says_so(strokes: Path, tmp_path: Path) -> None:
    """Where the loss never falls below that of answering all classes alike, a note says what to do."""
    heard: list[Event] = []
    deep = "input 12x12x1; " + "conv 8 3x3 relu padding=same; " * 30 + "flatten; dense 3 softmax"
    made = train(asked(strokes, deep, tmp_path / "run", learning_rate=4), heard.append)
    note = made.record["notes"][-1]
    assert note.startswith("The network has learnt nothing: its least loss on the validation pictures, ")
    assert note.endswith(
        ", is not below the 1.099 of answering all 3 classes alike. Train again with a lower learning rate, "
        "such as --learning-rate 1, or for more epochs."
    )
    assert Notice(note) in heard


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (
            "dense-full-hd",
            "To train this network of 24,883,204,000,000 parameters, 1 picture at a time, would take about ",
        ),
        ("digits-convnt", "There is no network 'digits-convnt'. "),
        ("input 12x12x1; con 3 3x3; flatten; dense 3", "Line 1, column 16: there is no layer 'con'. "),
        (
            "input 12x12x1; conv 3 3x3 stride=-1; flatten; dense 3",
            "Line 1, column 27: the stride of a conv cannot be '-1'. ",
        ),
        (
            "input 12x12x1; conv 0 3x3; flatten; dense 3",
            "Line 1, column 21: the filters of a conv cannot be '0'. ",
        ),
        ("input 12x12x1; conv 3 3x3", "The network ends in 'conv2d'. "),
        ("input 12x12x1; conv 3 13x13; flatten; dense 3", "Layer 1, 'conv2d', has a window of 13x13, "),
    ],
)
def test_what_cannot_be_trained_is_refused_before_any_work(
    network: str, told: str, strokes: Path, tmp_path: Path
) -> None:
    """No picture is looked at and nothing is written."""
    heard: list[Event] = []
    with pytest.raises(PellucidError) as caught:
        train(asked(strokes, network, tmp_path / "x"), heard.append)
    assert str(caught.value).startswith(told)
    assert heard == []
    assert [path.name for path in tmp_path.iterdir()] == ["strokes"]


def test_a_batch_that_does_not_fit_is_refused_with_what_it_takes(
    strokes: Path, strokes_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 bytes a parameter and three times what the layers put out, against what there is."""
    monkeypatch.setattr(scratch, "machine_memory", lambda: 2**20)
    # 683 parameters; per picture 4 * (10*10*8 + 5*5*8 + 200 + 3) = 4,812 bytes.
    with pytest.raises(RequestError) as caught:
        train(asked(strokes, "input 12x12x1; flatten; dense 20000 relu; dense 3", tmp_path / "run"))
    assert str(caught.value).startswith("To train this network of 2,960,003 parameters, 1 picture at a time,")
    monkeypatch.setattr(scratch, "machine_memory", lambda: 24 * 683 + 3 * 16 * 4812)
    train(asked(strokes, strokes_network, tmp_path / "fits"))
    monkeypatch.setattr(scratch, "machine_memory", lambda: 24 * 683 + 3 * 16 * 4812 - 1)
    with pytest.raises(RequestError) as caught:
        train(asked(strokes, strokes_network, tmp_path / "run"))
    assert "of 683 parameters, 16 pictures at a time, would take about 0.0 GiB" in str(caught.value)
    monkeypatch.setattr(scratch, "machine_memory", lambda: None)  # where the system does not tell
    train(asked(strokes, strokes_network, tmp_path / "told-nothing"))
