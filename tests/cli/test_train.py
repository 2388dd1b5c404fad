"""``pellucid train``: a run folder, a summary for a person or a program, and the right exit status."""

import json
from pathlib import Path

import pytest

KEYS = {
    "run",
    "recipe",
    "chosen",
    "backbone",
    "network",
    "classes",
    "samples",
    "stages",
    "test",
    "seconds",
}


def test_json_is_the_contract(pellucid, tiny: str, colours: Path, tmp_path: Path) -> None:
    """Standard output is one object with the contract's keys; talk goes to standard error."""
    said = pellucid("train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--json")
    assert said.status == 0
    assert len(said.out.splitlines()) == 1
    assert set(said.last) == KEYS
    assert said.last["run"] == str(tmp_path / "run")
    assert said.last["recipe"] == "auto"
    assert said.last["chosen"] == "features"
    assert (said.last["backbone"], said.last["network"]) == ("tiny", None)
    assert said.last["classes"] == ["blue", "green", "red"]
    assert set(said.last["samples"]) == {"train", "val", "test", "skipped"}
    assert set(said.last["test"]) == {"n", "correct", "accuracy", "interval"}
    (stage,) = said.last["stages"]
    assert set(stage) == {"name", "val", "seconds"}
    assert said.last["seconds"]["total"] > 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert said.last["test"] == record["test"]


def test_a_person_is_told_the_figure_its_interval_and_what_to_do_next(
    pellucid, tiny: str, colours: Path, tmp_path: Path
) -> None:
    """The summary ends with commands that work."""
    said = pellucid("train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--fit", "squash")
    assert "100.0 % (" in said.out
    assert "95 % interval" in said.out
    assert f"The report:      {tmp_path / 'run' / 'report.html'}" in said.out
    assert f"pellucid predict {tmp_path / 'run'} PICTURE" in said.out


def test_skipped_pictures_give_status_3_and_are_named(
    pellucid, tiny: str, colours: Path, tmp_path: Path
) -> None:
    """The work is done, and what was left out is told on standard error."""
    (colours / "red" / "bad\n\x1b[31m.png").write_bytes(b"no picture")
    said = pellucid(
        "train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--fit", "squash", "--json"
    )
    assert said.status == 3
    assert "1 file was skipped:" in said.err
    assert r"'red/bad\n\x1b[31m.png'" in said.err
    assert said.last["samples"]["skipped"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "There is nothing at 'nowhere'."),
        (["builtin:digit"], "builtin:digits"),
        (["builtin:digits", "--split", "70,30"], "The split '70,30' cannot be used."),
        (["builtin:digits", "--recipe", "scratchy"], "There is no recipe 'scratchy'."),
        (["builtin:digits", "--fit", "crob"], "Did you mean crop?"),
        (["builtin:digits", "--seed", "-3"], "The seed is -3."),
        (["builtin:digits", "--network", "digits-convnt"], "Did you mean 'digits-convnet'?"),
        (["builtin:digits", "--network", "nets/mine.txt"], "There is no network 'nets/mine.txt'."),
        (
            ["builtin:digits", "--network", "input 28x28x1; con 3 3x3; flatten; dense 10"],
            "Line 1, column 16: there is no layer 'con'. A layer is one of: ",
        ),
        (
            ["builtin:digits", "--network", "input 28x28x1; conv 3 3x3 stride=-2; flatten; dense 10"],
            "Line 1, column 27: the stride of a conv cannot be '-2'.",
        ),
        (
            ["builtin:digits", "--network", "input 28x28x1; conv 0 3x3; flatten; dense 10"],
            "Line 1, column 21: the filters of a conv cannot be '0'.",
        ),
        (
            ["builtin:digits", "--network", "dense-full-hd"],
            "To train this network of 24,883,204,000,000 parameters, 1 picture at a time, would take about "
            "543.1 TiB of memory. At most the ",
        ),
        (
            ["builtin:digits", "--network", "input 28x28x1; conv 3 3x3 relu"],
            "The network ends in 'conv2d'. An end that gives one number a class was expected: ",
        ),
        (
            ["builtin:digits", "--network", "lenet5", "--recipe", "features"],
            "A network was given ('lenet5'), and the recipe is features. A network of one's own is trained "
            "from scratch; features and finetune stand on a backbone. Leave --network out, or write --recipe "
            "scratch.",
        ),
        (
            ["builtin:digits", "--epochs", "0"],
            "The number of epochs is 0. A whole number from 1 to 10,000 was expected. Write for example "
            "--epochs 10.",
        ),
        (
            ["builtin:digits", "--batch", "0"],
            "The batch size is 0. A whole number from 1 to 65,536 was expected. Write for example "
            "--batch 128.",
        ),
        (
            ["builtin:digits", "--learning-rate", "nan"],
            "The learning rate is nan. A number above 0 and at most 10 was expected. Write for example "
            "--learning-rate 0.001.",
        ),
        (["builtin:digits", "--learning-rate", "-1"], "The learning rate is -1."),
        (
            ["builtin:digits", "--augment", "lectur"],
            "There is no augmentation 'lectur'. One of none, shift, light, lecture, strong was expected. Did "
            "you mean lecture?",
        ),
        (["builtin:digits", "--device", "gpu"], "There is no device 'gpu'."),
        (["builtin:digits", "--precision", "fp8"], "There is no precision 'fp8'."),
        (["builtin:digits", "--batch-norm", "keeps"], "There is no way with batch statistics 'keeps'."),
        (
            ["--resume", "runs/x"],
            "There is no unfinished training at 'runs/x.unfinished'. The folder of a training that was "
            "interrupted was expected. Train anew; a features run goes on from what is cached by itself.",
        ),
        (["--resume", "."], "There is no run at '.'."),
        (
            ["builtin:digits", "--resume", "runs/x", "--epochs", "3", "--learning-rate", "0.1"],
            "--resume was given together with SOURCE, --epochs, --learning-rate. --resume alone was "
            "expected: the training goes on as it was asked for when it began. Leave the others out; "
            "or leave --resume out and train another run.",
        ),
        ([], "No source of pictures was given."),
    ],
)
def test_a_mistake_is_one_paragraph_and_status_2(
    pellucid, arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, nothing on standard output, nothing written."""
    monkeypatch.chdir(tmp_path)
    said = pellucid("train", *arguments, "--json")
    assert said.status == 2
    assert said.out == ""
    assert told in said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_status_2(pellucid) -> None:
    """A missing argument and an unknown option are the person's mistake."""
    assert pellucid("train").status == 2
    assert pellucid("train", "x", "--no-such-option").status == 2
    assert pellucid("no-such-command").status == 2


# --- from scratch -----------------------------------------------------------------------------------------


def test_a_run_from_scratch_keeps_the_contract(
    pellucid, strokes: Path, strokes_network: str, tmp_path: Path, one_core: None
) -> None:
    """--network is enough: the same keys, no backbone, the network's text, and a line an epoch on the way."""
    out = tmp_path / "run"
    options = ["--network", strokes_network, "--epochs", 12, "--batch", 16, "--learning-rate", 0.05]
    said = pellucid("train", strokes, *options, "--out", out, "--json")
    assert said.status == 0
    assert len(said.out.splitlines()) == 1
    assert set(said.last) == KEYS
    assert (said.last["recipe"], said.last["chosen"]) == ("auto", "scratch")
    assert (said.last["backbone"], said.last["network"]) == (None, strokes_network)
    assert [stage["name"] for stage in said.last["stages"]] == ["scratch"]
    assert said.last["test"]["accuracy"] > 0.7
    assert [line for line in said.err.splitlines() if "epoch 12 of 12: loss " in line]
    assert {path.name for path in tmp_path.iterdir()} == {"strokes", "run"}


def test_pictures_that_do_not_fit_are_refused_or_told(
    pellucid, strokes: Path, tmp_path: Path, one_core: None
) -> None:
    """Without a word on it nothing is written; with --fit, or fit= in the text, it is done and told."""
    text = "input 10x10x1{}; flatten; dense 10 softmax"
    refused = pellucid("train", strokes, "--network", text.format(""), "--out", tmp_path / "run")
    assert refused.status == 2
    assert "are 12 x 12 pixels (90 of 90), and the network's input is 10 x 10." in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["strokes"]
    asked = pellucid(
        *(
            "train",
            strokes,
            "--network",
            text.format(""),
            "--fit",
            "crop",
            "--epochs",
            1,
            "--out",
            tmp_path / "a",
        )
    )
    assert (
        "Note: Pictures of other sizes are brought to 10 x 10 pixels (crop), as was asked for." in asked.err
    )
    assert "Note: The network's last layer was given 3 outputs, one a class." in asked.err
    written = pellucid(
        *("train", strokes, "--network", text.format(" fit=squash"), "--epochs", 1, "--out", tmp_path / "b")
    )
    assert "are brought to 10 x 10 pixels (squash), as the network's text says." in written.err
    assert (asked.status, written.status) == (0, 0)


@pytest.mark.parametrize(
    ("classes", "number", "told"),
    [(("one",), 5, "one class only"), (("one", "two"), 1, "At least")],
    ids=["one class", "two pictures"],
)
def test_too_little_to_learn_from_is_refused(
    pellucid, paint, tmp_path: Path, classes: tuple[str, ...], number: int, told: str
) -> None:
    """One class only, and two pictures: one paragraph, nothing written."""
    source = paint(tmp_path / "few", number, classes=classes)
    said = pellucid("train", source, "--recipe", "scratch", "--out", tmp_path / "run")
    assert said.status == 2
    assert told in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["few"]


def test_a_diverging_training_says_what_to_do(
    pellucid, strokes: Path, tmp_path: Path, one_core: None
) -> None:
    """Exit status 2, the step, a lower rate; with that the same command may follow at once."""
    deep = "input 12x12x1; " + "conv 8 3x3 padding=same; " * 80 + "flatten; dense 3 softmax"
    arguments = ["train", strokes, "--network", deep, "--learning-rate", 10, "--out", tmp_path / "run"]
    said = pellucid(*arguments, "--epochs", 50)
    assert said.status == 2
    assert "loss was " in said.err.splitlines()[-1]
    assert "Train again with a lower learning rate, such as --learning-rate 2.5." in said.err
    assert not list(tmp_path.glob("run*"))
    assert pellucid(*arguments, "--learning-rate", 1e-3, "--epochs", 1).status == 0


def test_an_unfinished_training_is_left_alone(pellucid, strokes: Path, tmp_path: Path) -> None:
    """Another one at the same place is refused, with the command that goes on."""
    there = tmp_path / "run.unfinished"
    there.mkdir()
    said = pellucid("train", strokes, "--network", "digits-convnet", "--out", tmp_path / "run")
    assert said.status == 2
    assert said.err.startswith(f"There is an unfinished training at '{there}'.")
    assert f"Go on with it: pellucid train --resume {tmp_path / 'run'}. Or delete it." in said.err
    assert there.is_dir()


def test_resume_with_json_is_no_contradiction(pellucid, scratched, tmp_path: Path) -> None:
    """A run that is there is told like one that has just been trained."""
    said = pellucid("train", "--resume", scratched.folder, "--json")
    assert said.status == 0
    assert set(said.last) == KEYS
    assert "is finished: nothing was left to do." in said.err


def test_ctrl_c_is_one_paragraph_and_status_130(
    pellucid, strokes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the work says how to go on, that is printed; else what is kept of any work."""
    for said_by_work, told in (
        ("Interrupted. Go on with: pellucid train --resume x", "Interrupted. Go on with: "),
        ("", "Interrupted. No half-written run was left; features computed so far are kept in the cache."),
    ):

        def stop(*asked: object, told: str = said_by_work) -> None:
            raise KeyboardInterrupt(*([told] if told else []))

        monkeypatch.setattr("pellucid.recipe.train", stop)
        said = pellucid("train", strokes, "--out", tmp_path / "run", "--json")
        assert (said.status, said.out) == (130, "")
        assert said.err.startswith(told)
        assert len(said.err.splitlines()) == 1
