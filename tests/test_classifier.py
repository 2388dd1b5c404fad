"""What answers for a picture, alone or by the thousand."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix

from pellucid.classifier import Classifier, Prediction
from pellucid.errors import SourceError
from pellucid.run import Run


@pytest.fixture
def classifier(run: Run) -> Classifier:
    return run.classifier


def test_an_answer_has_all_probabilities_in_the_order_of_the_classes(
    classifier: Classifier, colours: Path
) -> None:
    """The label is the most probable class, the confidence its probability, and all sum to one."""
    (answer,) = classifier.predict(colours / "red" / "00.png")
    assert answer.label == "red"
    assert list(answer.probabilities) == ["blue", "green", "red"]
    assert answer.confidence == max(answer.probabilities.values())
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert set(answer.to_json()) == {"path", "label", "confidence", "probabilities"}


def test_what_cannot_be_read_is_named_in_its_place(
    classifier: Classifier, colours: Path, tmp_path: Path
) -> None:
    """A missing, empty, hostile or unnameable file has its own reason; the others are answered."""
    (tmp_path / "empty.png").touch()
    paths = [
        colours / "red" / "00.png",
        tmp_path / "empty.png",
        "no\nsuch",
        "a\0b",
        colours / "red",
        str(colours / "green" / "00.png"),
    ]
    answers = classifier.predict(paths)
    assert [answer.path for answer in answers] == [str(path) for path in paths]
    assert [answer.label for answer in answers] == ["red", None, None, None, None, "green"]
    assert answers[2].error == "there is no such file"
    assert answers[4].error == "it is not a file"
    assert answers[1].to_json() == {"path": str(paths[1]), "error": answers[1].error}


def test_a_stream_needs_no_list(classifier: Classifier, colours: Path) -> None:
    """The first answer comes before the last picture is read."""
    paths = [colours / "red" / "00.png"] * 5000
    stream = classifier.stream(paths)
    assert isinstance(next(stream), Prediction)
    stream.close()


def test_embedding_names_the_picture_that_fails(
    classifier: Classifier, tmp_path: Path, colours: Path
) -> None:
    """One row for each picture, or one clear error."""
    good = colours / "red" / "00.png"
    assert classifier.embed([good, good]).shape == (2, 3)
    with pytest.raises(SourceError, match=r"The picture 'nothing.png' cannot be read"):
        classifier.embed([good, "nothing.png"])


def test_figures_agree_with_scikit_learn(classifier: Classifier, tmp_path: Path, paint) -> None:
    """On other pictures, accuracy and confusion are what scikit-learn makes of the answers."""
    other = paint(tmp_path / "other", 10, offset=500)
    answers = classifier.evaluate(other)
    predicted = answers.probabilities_NK.argmax(axis=1)
    assert answers.evaluation.proportion.accuracy == accuracy_score(answers.labels_N, predicted)
    np.testing.assert_array_equal(
        answers.evaluation.confusion_KK, confusion_matrix(answers.labels_N, predicted)
    )
    told = answers.to_json()
    assert set(told) >= {
        "n",
        "correct",
        "accuracy",
        "interval",
        "classes",
        "confusion",
        "per_class",
        "skipped",
    }


def test_classes_are_found_by_name(classifier: Classifier, tmp_path: Path, paint) -> None:
    """A source with fewer classes, or others, is measured on those that were learnt; strangers are named."""
    other = paint(tmp_path / "other", 3, classes=("red", "purple"))
    answers = classifier.evaluate(other)
    assert answers.evaluation.proportion.n == 3
    assert {one.reason for one in answers.skipped} == {"its class 'purple' is not one that was learnt"}
    with pytest.raises(SourceError) as caught:
        classifier.evaluate(paint(tmp_path / "none", 3, classes=("cyan", "purple")))
    assert str(caught.value) == (
        f"The classes of '{tmp_path / 'none'}' are 'cyan', 'purple'. Pictures of the classes that were "
        "learnt were expected: 'blue', 'green', 'red'. Name the class folders, or the labels, as they were "
        "named in training."
    )
