"""What ``run.json`` says of a training run: what was asked, what was found, what came out, and of what.

It only puts into words what the rooms below have worked out.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from pellucid import provenance
from pellucid.data.check import Finding
from pellucid.data.item import Skipped
from pellucid.data.scan import Scan
from pellucid.pictures.preprocess import Preprocess
from pellucid.request import TrainRequest
from pellucid.training.head import Fitted, Head
from pellucid.training.trunk import Trunk

_NAMED = 100  # pictures named in one finding; the rest is counted


def record_request(
    request: TrainRequest, looked: Scan, chosen: str, preprocess: Preprocess
) -> dict[str, Any]:
    """All that is needed to repeat the run: the request, the pictures' digest, versions, machine."""
    counts = dict.fromkeys(looked.classes, 0)
    for picture in looked.pictures:
        counts[picture.label] += 1
    return {
        "pellucid": provenance.pellucid_version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "request": request.to_json(),
        "recipe": request.recipe,
        "chosen": chosen,
        "classes": list(looked.classes),
        "source": {
            "name": looked.source.name,
            "digest": looked.digest,
            "pictures": len(looked.pictures),
            "classes": counts,
        },
        "preprocess": preprocess.to_json(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
    }


def record_backbone(trunk: Trunk) -> dict[str, Any]:
    """Which frozen layers a run stands on, down to the digest of their weights."""
    return {
        "name": trunk.backbone,
        "weights": trunk.weights.digest,
        "boundary": trunk.boundary,
        "features": int(np.prod(trunk.output_shape)),
    }


def record_pictures(
    counts: Mapping[str, int], skipped: Sequence[Skipped], findings: Sequence[Finding], notes: Sequence[str]
) -> dict[str, Any]:
    """How many pictures each split has, what was set aside and why, and what was noticed."""
    return {
        "samples": {**counts, "skipped": len(skipped)},
        "skipped": [{"path": one.path, "reason": one.reason} for one in skipped],
        "findings": [
            {
                "kind": finding.kind,
                "pictures": len(finding.paths),
                "paths": list(finding.paths[:_NAMED]),
                "advice": finding.advice,
            }
            for finding in findings
        ],
        "notes": list(notes),
    }


def record_head(fitted: Fitted, head: Head, calibration: str, classes: Sequence[str]) -> dict[str, Any]:
    """The strengths that were tried, the one chosen, class weights and temperature."""
    weights = fitted.class_weights_K
    return {
        "regularisation": fitted.chosen.regularisation if fitted.chosen else None,
        "tried": [
            {
                "regularisation": step.regularisation,
                "log_loss": step.val_log_loss,
                "n": step.val_n,
                "correct": step.val_correct,
                "iterations": step.iterations,
            }
            for step in fitted.path
        ],
        "why": fitted.reason,
        "refitted": fitted.refitted,
        "class_weights": None if weights is None else dict(zip(classes, weights, strict=True)),
        "temperature": head.temperature,
        "calibration": calibration,
    }
