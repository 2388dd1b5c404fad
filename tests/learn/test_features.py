"""Feature extraction: what the head learns from, what it is chosen by, and what it answers."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data.fractions import Fractions
from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.learn.features import learn
from pellucid.learn.learned import Clock, Learned
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.training.features import extract
from pellucid.training.head import fit_head


@pytest.fixture
def learned(tiny: str, colours: Path, tmp_path: Path) -> Learned:
    request = TrainRequest(source=str(colours), backbone=tiny, out=tmp_path / "run", fit="squash")
    looked = scan(open_source(colours))
    return learn(request, looked, split_pictures(looked, Fractions(), 0), Clock(), lambda event: None)


def test_the_head_learns_from_validation_pictures_only_once_chosen(learned: Learned, colours: Path) -> None:
    """Answers for val are of a head fitted on train; the head that is kept was fitted on both."""
    looked = scan(open_source(colours))
    rows, labels = {}, {}
    for name, part in learned.parts.items():
        trunk, preprocess = learned.classifier.layers, learned.classifier.preprocess
        rows[name] = extract(part.pictures, looked.source.read, trunk, preprocess).rows
        labels[name] = part.labels_N
    fitted = fit_head(rows["train"], labels["train"], rows["val"], labels["val"], 3)
    both = fit_head(rows["train"], labels["train"], rows["val"], labels["val"], 3, refit=True)
    head = learned.classifier.head
    assert head is not None
    np.testing.assert_array_equal(head.weight_DK, both.head.weight_DK)
    assert np.abs(head.weight_DK - fitted.head.weight_DK).max() > 1e-3
    chosen = np.log(learned.answers["val"]) * head.temperature
    expected_NK = fitted.val_logits_NK - fitted.val_logits_NK.max(axis=1, keepdims=True)
    np.testing.assert_allclose(chosen - chosen.max(axis=1, keepdims=True), expected_NK, atol=1e-5)
    assert learned.record["head"]["refitted"] is True


def test_the_test_split_is_answered_by_the_classifier(learned: Learned) -> None:
    """What stands for test is what the classifier says of these rows; rows sum to 1."""
    test_NK = learned.answers["test"]
    assert test_NK.shape == (len(learned.parts["test"].pictures), 3)
    np.testing.assert_allclose(test_NK.sum(axis=1), 1)
    assert learned.stages[0].val.n == len(learned.parts["val"].pictures)
    assert [line["event"] for line in learned.metrics] == ["head"] * len(learned.record["head"]["tried"])


def test_views_by_an_augmentation_of_one_s_own(tiny: str, colours: Path, tmp_path: Path) -> None:
    """Its text is the request, its views are learnt from, and the report says what was drawn."""
    text = "RandomFlip horizontal; RandomBrightness 0.1; fill nearest"
    request = TrainRequest(
        source=str(colours), backbone=tiny, augment=text, views=2, out=tmp_path / "run", fit="squash"
    )
    run = train(request)
    assert run.record["request"]["augment"] == text
    assert [stage["name"] for stage in run.record["stages"]][-1] == "features, own views"
    assert (run.record["head"]["augment"], run.record["head"]["views"]) == (text, 2)
    page = run.report.read_text("utf-8")
    assert f"--augment &#39;{text}&#39;" in page
