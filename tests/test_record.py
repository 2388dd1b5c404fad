"""The record says what the rooms below worked out, in the contract's words, and can be written as JSON."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pellucid import provenance
from pellucid.data.check import Finding
from pellucid.data.item import Item, Skipped
from pellucid.data.scan import Picture, Scan
from pellucid.data.source import Source
from pellucid.network.weights import WeightsFile
from pellucid.pictures.preprocess import Preprocess
from pellucid.record import record_backbone, record_head, record_pictures, record_request
from pellucid.request import TrainRequest
from pellucid.run import Run
from pellucid.training.head import Fitted, Head, Step
from pellucid.training.trunk import Trunk

PREPROCESS = Preprocess(8, 8, "crop", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))


def scanned(*labels: str) -> Scan:
    """A scan of pictures with these labels; a class 'wasps' is listed, but none of it could be read."""
    pictures = tuple(
        Picture(i, f"{label}/{i}.jpg", label, None, f"{i:032x}", 8, 8) for i, label in enumerate(labels)
    )
    items = tuple(Item(one.path, one.label) for one in pictures)
    source = Source("my photos", items, lambda index: b"")
    classes = tuple(sorted({*labels, "wasps"}))
    return Scan(source, pictures, np.zeros((len(labels), 16, 16), np.uint8), (), classes, "5d" * 16)


def trunk(output_shape: tuple[int, ...]) -> Trunk:
    return Trunk(
        backbone="tiny",
        boundary="pool",
        weights=WeightsFile("weights.pth", 4, 0, "c0" * 16),
        by_hand=False,
        preprocess=PREPROCESS,
        output_shape=output_shape,
        classes=(),
        difference=0.0,
        file=Path("trunk.onnx"),
    )


def fitted(chosen: bool = True, weights: tuple[float, ...] | None = None) -> Fitted:
    path = (Step(0.01, 0.5, 35, 40, 12), Step(0.1, 0.25, 38, 40, 9)) if chosen else ()
    return Fitted(
        head=Head(np.zeros((3, 2), np.float32), np.zeros(2, np.float32)),
        path=path,
        regularisation=0.1,
        chosen=path[1] if chosen else None,
        class_weights_K=weights,
        reason="Every picture counts the same, as was asked.",
        val_logits_NK=np.zeros((40, 2), np.float32),
        unseen=Head(np.zeros((3, 2), np.float32), np.zeros(2, np.float32)),
        refitted=False,
    )


def test_the_record_of_a_request_holds_what_repeats_the_run() -> None:
    """Request, classes in order, source and digest, preprocessing, versions, machine."""
    request = TrainRequest(source="my photos", seed=7)
    told = record_request(request, scanned("bees", "ants", "bees"), "features", PREPROCESS)
    created = datetime.fromisoformat(told.pop("created"))
    assert timedelta(0) <= datetime.now(UTC) - created < timedelta(minutes=1)
    assert json.loads(json.dumps(told)) == {
        "pellucid": provenance.pellucid_version(),
        "request": json.loads(json.dumps(request.to_json())),
        "recipe": "auto",
        "chosen": "features",
        "classes": ["ants", "bees", "wasps"],
        "source": {
            "name": "my photos",
            "digest": "5d" * 16,
            "pictures": 3,
            "classes": {"ants": 1, "bees": 2, "wasps": 0},
        },
        "preprocess": json.loads(json.dumps(PREPROCESS.to_json())),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
    }


def test_the_moment_is_told_in_utc_to_the_second() -> None:
    """ISO 8601 with a Z, which every reader understands."""
    told = record_request(TrainRequest(source="x"), scanned("ants"), "features", PREPROCESS)["created"]
    assert datetime.strptime(told, "%Y-%m-%dT%H:%M:%SZ")


def test_every_skipped_picture_is_named_and_counted() -> None:
    """Splits keep their order, then the number of those skipped; each has its path and reason."""
    skipped = [Skipped("a.jpg", "the file is truncated"), Skipped("b.jpg", "it is empty")]
    told = record_pictures({"train": 7, "val": 2, "test": 1}, skipped, [], ["The split follows content."])
    assert list(told["samples"].items()) == [("train", 7), ("val", 2), ("test", 1), ("skipped", 2)]
    assert told["skipped"] == [
        {"path": "a.jpg", "reason": "the file is truncated"},
        {"path": "b.jpg", "reason": "it is empty"},
    ]
    assert told["findings"] == []
    assert told["notes"] == ["The split follows content."]


@pytest.mark.parametrize(("number", "named"), [(0, 0), (100, 100), (101, 100), (5000, 100)])
def test_a_finding_names_a_hundred_pictures_and_counts_all(number: int, named: int) -> None:
    """The record of a huge source stays small."""
    paths = tuple(f"{i}.jpg" for i in range(number))
    (told,) = record_pictures({}, [], [Finding("small", paths, "Look at them.")], [])["findings"]
    assert told == {
        "kind": "small",
        "pictures": number,
        "paths": list(paths[:named]),
        "advice": "Look at them.",
    }


def test_the_record_of_a_head_holds_the_path_and_the_choice() -> None:
    """Each strength with its validation figures, the one chosen, the temperature, and why."""
    head = Head(np.zeros((3, 2), np.float32), np.zeros(2, np.float32), temperature=1.25)
    told = record_head(fitted(), head, "Least log loss on 40 validation pictures.", ["ants", "bees"])
    assert json.loads(json.dumps(told)) == {
        "regularisation": 0.1,
        "tried": [
            {"regularisation": 0.01, "log_loss": 0.5, "n": 40, "correct": 35, "iterations": 12},
            {"regularisation": 0.1, "log_loss": 0.25, "n": 40, "correct": 38, "iterations": 9},
        ],
        "why": "Every picture counts the same, as was asked.",
        "refitted": False,
        "class_weights": None,
        "temperature": 1.25,
        "calibration": "Least log loss on 40 validation pictures.",
    }


def test_class_weights_are_told_by_name() -> None:
    """In the run's class order; as many names as weights."""
    told = record_head(fitted(weights=(0.5, 2.0)), fitted().head, "", ["bees", "ants"])
    assert list(told["class_weights"].items()) == [("bees", 0.5), ("ants", 2.0)]
    with pytest.raises(ValueError, match="zip"):
        record_head(fitted(weights=(0.5, 2.0)), fitted().head, "", ["bees"])


def test_a_head_without_validation_has_chosen_nothing() -> None:
    """No strength was compared, and none is said to have been chosen."""
    told = record_head(fitted(chosen=False), fitted().head, "", ["ants", "bees"])
    assert (told["regularisation"], told["tried"]) == (None, [])


def test_the_record_of_a_backbone_counts_its_features() -> None:
    """Name, digest of the weights, boundary, and the product of the output's shape; no path."""
    assert json.loads(json.dumps(record_backbone(trunk((3, 2, 4))))) == {
        "name": "tiny",
        "weights": "c0" * 16,
        "boundary": "pool",
        "features": 24,
    }


def test_a_trained_run_holds_all_parts(run: Run) -> None:
    """What a training writes has every part's keys, and its numbers belong together."""
    told = run.record
    parts = (
        record_request(TrainRequest(source="x"), scanned("ants"), "features", PREPROCESS),
        record_pictures({}, [], [], []),
    )
    assert {key for part in parts for key in part} <= set(told)
    assert set(record_backbone(trunk((3,)))) == set(told["backbone"])
    assert set(record_head(fitted(), fitted().head, "", [])) == set(told["head"])
    samples = told["samples"]
    assert samples["train"] + samples["val"] + samples["test"] == told["source"]["pictures"] == 72
    assert told["source"]["classes"] == {"blue": 24, "green": 24, "red": 24}
    assert told["test"]["n"] == samples["test"]
    assert told["stages"][0]["val"]["n"] == samples["val"]
