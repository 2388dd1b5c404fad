"""``pellucid predict``: one answer for each picture."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pellucid.run import Run


def test_json_is_one_object_for_each_picture(pellucid, run: Run, colours: Path) -> None:
    """Objects come in the order given, with the path as it was given and classes in the run's order."""
    paths = [colours / "red" / "00.png", colours / "blue" / "01.png"]
    said = pellucid("predict", run.folder, *paths, "--json")
    assert said.status == 0
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [answer["path"] for answer in answers] == [str(path) for path in paths]
    assert [answer["label"] for answer in answers] == ["red", "blue"]
    for answer in answers:
        assert set(answer) == {"path", "label", "confidence", "probabilities"}
        assert list(answer["probabilities"]) == ["blue", "green", "red"]


def test_one_broken_picture_gives_status_3(pellucid, run: Run, colours: Path, tmp_path: Path) -> None:
    """The others are answered; the broken one has its reason, in JSON and on standard error."""
    (tmp_path / "x.jpg").write_text("<html>")
    said = pellucid("predict", run.folder, tmp_path / "x.jpg", colours / "red" / "00.png", "--json")
    assert said.status == 3
    first, second = (json.loads(line) for line in said.out.splitlines())
    assert set(first) == {"path", "error"}
    assert second["label"] == "red"
    assert "x.jpg" in said.err


def test_no_readable_picture_is_status_2(pellucid, run: Run) -> None:
    """A file that is not there cannot be answered."""
    said = pellucid("predict", run.folder, "nothing.jpg", "--json")
    assert said.status == 2
    assert json.loads(said.out) == {
        "path": "nothing.jpg",
        "error": "there is no such file",
    }
    assert "The picture could not be read." in said.err


def test_a_folder_stands_for_the_files_in_it(pellucid, run: Run, colours: Path) -> None:
    """All files below it, hidden ones left out, in order."""
    (colours / "red" / ".hidden.png").touch()
    said = pellucid("predict", run.folder, colours / "red")
    lines = said.out.splitlines()
    assert said.status == 0
    assert len(lines) == 24
    assert lines[0].startswith(f"{colours / 'red' / '00.png'}: red ")


def test_an_empty_folder_is_told(pellucid, run: Run, tmp_path: Path) -> None:
    """Nothing to answer is a request that cannot be met."""
    (tmp_path / "empty").mkdir()
    said = pellucid("predict", run.folder, tmp_path / "empty")
    assert said.status == 2
    assert said.err.startswith("There are no pictures in")


def test_a_backbone_answers_with_its_own_classes(pellucid, tiny: str, colours: Path) -> None:
    """Without a run, the backbone's own names are given."""
    said = pellucid("predict", tiny, colours / "green" / "00.png", "--json")
    assert said.last["label"] == "green"
    assert list(said.last["probabilities"]) == ["red", "green", "blue"]


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"a\nb.png", b"x" * 240 + b".png", b"'\"<b>.png"])
def test_any_file_name_comes_back_as_it_was_given(
    run: Run, tmp_path: Path, colours: Path, name: bytes
) -> None:
    """Bytes that are not UTF-8, newlines and quotes survive the way through JSON."""
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes((colours / "red" / "00.png").read_bytes())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from pellucid.cli import main; main()",
            "predict",
            str(run.folder),
            path,
            "--json",
        ],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout)["path"]) == path
    done = subprocess.run(
        [sys.executable, "-c", "from pellucid.cli import main; main()", "predict", str(run.folder), path],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_run_from_scratch_answers_without_torch(scratched: Run, strokes: Path, tmp_path: Path) -> None:
    """predict and evaluate on a network trained here load neither torch nor timm nor scikit-learn."""
    picture = strokes / "lying" / "00.png"
    for arguments in (
        ("predict", scratched.folder, picture, "--json"),
        ("evaluate", scratched.folder, strokes),
    ):
        code = (
            "import sys\nfrom pellucid.cli import main\n"
            f"sys.argv = ['pellucid', *{[*map(str, arguments)]!r}]\n"
            "try:\n    main()\nexcept SystemExit as end:\n    status = end.code\n"
            "print('loaded:', *({'torch', 'torchvision', 'timm', 'sklearn'} & set(sys.modules)), status)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "loaded: 0", done.stderr


def test_a_run_from_scratch_keeps_the_contract(pellucid, scratched: Run, strokes: Path) -> None:
    """Grey files and colour files are answered with the run's classes."""
    with Image.open(strokes / "lying" / "00.png") as image:
        image.convert("RGB").resize((50, 40)).save(strokes / "colour.png")
    said = pellucid(
        "predict", scratched.folder, strokes / "lying" / "00.png", strokes / "colour.png", "--json"
    )
    assert said.status == 0
    first, second = (json.loads(line) for line in said.out.splitlines())
    for answer in (first, second):
        assert list(answer["probabilities"]) == ["lying", "slanted", "standing"]
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert first["label"] == "lying"
