"""What a person asks of a training run, checked once, before any work begins."""

import math
import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError, printable, shown
from pellucid.network.weights import DEFAULT_BACKBONE
from pellucid.training.plan import BATCH, RATE, TUNING_BATCH, Plan, default_epochs
from pellucid.training.rung import EVERYTHING, FROM_PIXELS, FROZEN, PLAIN, Rung, parse_rungs

Recipe = Literal["auto", "features", "finetune", "scratch"]
FitChoice = Literal["auto", "measure", "squash", "letterbox", "crop"]
ClassWeights = Literal["auto", "none", "balanced"]
BatchNorm = Literal["keep", "update"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16"]

MOST_VIEWS = 100
"""Of each picture, that may be asked for."""

AUGMENTATIONS = ("none", "shift", "light", "lecture", "strong")
"""The presets of ``pictures.augment.presets``, which takes 0.4 s to import."""

_FOR_ALL = frozenset({"source", "recipe", "split", "seed", "out", "download"})
_OF_BACKBONES = frozenset({"backbone", "weights", "fit", "fit measure", "class_weights", "augment", "views"})
_OF_TRAINING = frozenset({"fit", "augment", "mix", "epochs", "batch", "learning_rate", "device", "precision"})
_READ = {
    "features": _OF_BACKBONES,
    "finetune": _OF_BACKBONES | _OF_TRAINING | {"unfreeze", "batch_norm"},
    "scratch": _OF_TRAINING | {"network", "class_weights"},
}
"""The options that a recipe looks at, besides those for all; a leave to download may go unused."""
_ANYWAY = {"device": "cpu"}
"""What a recipe does by itself that does not look at the option."""


@dataclass(frozen=True)
class TrainRequest:
    """A training run as it was asked for; the command line's options are these fields.

    Raises:
        RequestError: a value is out of range or not known.
    """

    source: str = field(
        metadata={"help": "A folder of class folders, a CSV or Parquet file, or builtin:clipart."}
    )
    recipe: Recipe = field(
        default="auto",
        metadata={
            "help": "features: frozen layers of a pretrained network and a new head. finetune: its last "
            "layers learn too. scratch: a network of your own, from nothing. auto: scratch where --network "
            "is given, else features, and with --budget or --steps whatever proves to be better."
        },
    )
    backbone: str = field(
        default=DEFAULT_BACKBONE,
        metadata={"help": "The pretrained network ('pellucid backbones' lists them)."},
    )
    weights: Path | None = field(
        default=None, metadata={"help": "A file of the backbone's weights, instead of its own."}
    )
    split: Fractions = field(
        default=Fractions(), metadata={"help": "Shares of train, val and test, such as 70,15,15."}
    )
    seed: int = field(
        default=0,
        metadata={"help": "Decides the split and, in training, the first weights, the order and the views."},
    )
    fit: FitChoice = field(
        default="auto",
        metadata={
            "help": "How a picture comes to the network's size: squash, letterbox or crop; measure tries all "
            "three on the validation split; auto measures where there are few pictures, else squashes."
        },
    )
    class_weights: ClassWeights = field(
        default="auto", metadata={"help": "Whether rare classes weigh more: none, balanced, or auto."}
    )
    network: str | None = field(
        default=None,
        metadata={
            "help": "What to train from scratch: a name such as digits-convnet, a text such as "
            "'input 28x28x1; conv 32 3x3 relu; ...', or a file of one ('pellucid network' shows them)."
        },
    )
    epochs: int | None = field(
        default=None, metadata={"help": "Passes over the training pictures; by default from their number."}
    )
    batch: int | None = field(
        default=None,
        metadata={"help": f"Pictures a step; by default {BATCH}, in fine-tuning {TUNING_BATCH}."},
    )
    learning_rate: float | None = field(
        default=None,
        metadata={
            "help": "The learning rate at its peak; by default 0.004, in fine-tuning the best of 0.0003, "
            "0.001 and 0.003."
        },
    )
    augment: str = field(
        default="none",
        metadata={
            "help": "Views to learn from: none, shift, light, lecture or strong, or transforms such as "
            "'RandomFlip horizontal; RandomRotation 0.05' ('pellucid augment' shows them)."
        },
    )
    mix: str = field(
        default="none",
        metadata={
            "help": "How the pictures of a step are mixed where all layers learn: none, MixUp, CutMix, or "
            "with a factor of your own, such as 'MixUp 0.4'."
        },
    )
    unfreeze: str = field(
        default="last",
        metadata={
            "help": "What fine-tuning lets learn: the last block of the backbone and what follows it (last), "
            "last-two, all layers (all), or all above a boundary such as blocks.3."
        },
    )
    batch_norm: BatchNorm = field(
        default="keep",
        metadata={
            "help": "Batch statistics of the layers that fine-tuning lets learn: keep what pretraining "
            "measured, or update it with the pictures."
        },
    )
    views: int | None = field(
        default=None,
        metadata={
            "help": "Views of each picture that a pretrained network learns from, 1 to 100, computed once "
            "and kept. Default: 4 where --augment is given, else 1."
        },
    )
    budget: float | None = field(
        default=None,
        metadata={"help": "The time that auto may spend on its steps, such as 90s, 5m or 1h."},
    )
    steps: str | None = field(
        default=None,
        metadata={
            "help": "The steps that auto tries, in order, each kept only where it beats what was kept "
            "before: such as scratch,scratch+light,features,features+light,last,best+update,best+light."
        },
    )
    device: Device = field(
        default="auto", metadata={"help": "Where to train: cpu, cuda, mps, or auto for the fastest there is."}
    )
    precision: Precision = field(
        default="fp32", metadata={"help": "Of the products in training: fp32 or bf16."}
    )
    out: Path | None = field(
        default=None, metadata={"help": "The run folder to write; it must not exist. Default: runs/NAME-1."}
    )
    download: bool = field(
        default=False, metadata={"help": "Fetch the backbone's weights where they are not on this machine."}
    )

    def __post_init__(self) -> None:
        _check_choice("recipe", self.recipe, get_args(Recipe))
        _check_choice("fit", self.fit, get_args(FitChoice))
        _check_choice("kind of class weights", self.class_weights, get_args(ClassWeights))
        _check_choice("way with batch statistics", self.batch_norm, get_args(BatchNorm))
        _check_choice("device", self.device, get_args(Device))
        _check_choice("precision", self.precision, get_args(Precision))
        if self.augment not in AUGMENTATIONS:
            from pellucid.pictures.augment.text import augmentation

            augmentation(self.augment)
        if self.views is not None and not 1 <= self.views <= MOST_VIEWS:
            raise RequestError(
                f"The number of views is {self.views:,}.",
                f"A whole number from 1 to {MOST_VIEWS} was expected: each is computed once and kept.",
                "Write for example --views 4.",
            )
        if (self.views or 1) > 1 and self.augment == PLAIN and self.chosen != "ladder":
            raise RequestError(
                f"{self.views} views of each picture were asked for, without an augmentation.",
                "Views that differ were expected.",
                "Add for example --augment light, or leave --views out.",
            )
        if self.views is not None and self.chosen == "scratch":
            raise RequestError(
                f"{self.views} views of each picture were asked for, and the recipe is scratch.",
                "A number of views is for a pretrained network, whose views are computed once and kept; from "
                "scratch every epoch sees new ones.",
                "Leave --views out.",
            )
        self._check_ladder()
        if self.network is not None and self.recipe in ("features", "finetune"):
            raise RequestError(
                f"A network was given ({shown(self.network[:60])}), and the recipe is {self.recipe}.",
                "A network of one's own is trained from scratch; features and finetune stand on a backbone.",
                "Leave --network out, or write --recipe scratch.",
            )
        self.plan(1)  # so that what is out of range is refused before any work
        self._check_mix()
        if self.split.val <= 0:
            raise RequestError(
                "The split leaves no pictures for validation.",
                "A share above 0 was expected: regularisation and calibration are chosen on them.",
                "Write for example 70,15,15.",
            )
        if self.split.test <= 0:
            raise RequestError(
                "The split leaves no pictures for a test.",
                "A share above 0 was expected: without them there is no honest figure.",
                "Write for example 70,15,15.",
            )
        check_seed(self.seed)
        if self.out is not None and self.out.exists():
            raise RequestError(
                f"{shown(self.out)} exists already.",
                "A folder that does not exist was expected, so that no run is overwritten.",
                "Choose another name with --out, or remove it first.",
            )

    def _check_mix(self) -> None:
        """See that pixels are learnt from, where they are to be mixed."""
        learns = {"features": [], "finetune": [self.unfreeze], "scratch": [FROM_PIXELS]}
        among = learns.get(self.chosen, [one.learns for one in self.rungs])
        if self.mix != "none" and not {FROM_PIXELS, EVERYTHING} & set(among):
            raise RequestError(
                f"Pictures were to be mixed ({shown(self.mix[:60])}), and frozen layers look at them.",
                "A network whose layers all learn was expected: frozen ones see each picture once, by "
                "itself.",
                "Leave --mix out, train from scratch, or write --recipe finetune --unfreeze all.",
            )

    def _check_ladder(self) -> None:
        """See that steps and a budget are some, that they are for auto, and that a network has a step."""
        if self.budget is not None and not (
            isinstance(self.budget, int | float) and 0 < self.budget < math.inf
        ):
            raise RequestError(
                f"The budget is {shown(self.budget)}.",
                "A number of seconds above 0 was expected.",
                "Write for example --budget 90s, or budget=90 in Python.",
            )
        rungs = self.rungs
        if self.recipe != "auto" and (rungs or self.budget is not None):
            given = "Steps were" if rungs else "A budget was"
            raise RequestError(
                f"{given} given, and the recipe is {self.recipe}.",
                "Only auto goes by steps, as far as a budget allows; the other recipes take one.",
                f"Write --recipe auto, or leave --{'steps' if rungs else 'budget'} out.",
            )
        if rungs and self.network is not None and not any(one.learns == FROM_PIXELS for one in rungs):
            raise RequestError(
                f"A network was given ({shown(self.network[:60])}), and no step learns from scratch.",
                "A step that trains it was expected.",
                "Add scratch to --steps, or leave --network out.",
            )

    @property
    def idle(self) -> tuple[str, ...]:
        """Of each option that was given and that the chosen recipe does not look at, what to do about it.

        It is for what a person asked: what the ladder hands to a step holds other steps' options too.
        """
        told, read = [], self._read
        for one in fields(self):
            value = getattr(self, one.name)
            key = "fit measure" if one.name == "fit" and value == "measure" else one.name
            if one.name in _FOR_ALL or key in read:
                continue
            if value not in (one.default, _ANYWAY.get(one.name, one.default)):
                told.append(self._idle(key, value))
        return tuple(told)

    def _idle(self, key: str, value: object) -> str:
        """That an option does nothing, and how it would do something."""
        option, told = f"--{key.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else value
        who = (
            "none of auto's steps reads it" if self.chosen == "ladder" else f"{self.chosen} does not read it"
        )
        readers = [recipe for recipe, names in _READ.items() if key in names]
        if key == "budget":
            advice = "name the steps too, such as --steps scratch,last"
        elif self.chosen == "ladder":
            advice = "write layers, views and statistics into --steps, such as last-two+light+update"
        elif self.network is not None:
            advice = "leave --network out"
        else:
            advice = f"write --recipe {' or '.join(readers)}"
        given = option if key == "fit measure" else f"{option} {printable(told)[:60]}"
        return f"{given} does nothing here: {who}. Leave it out, or {advice}."

    @property
    def _read(self) -> frozenset[str]:
        """The options that the chosen recipe looks at; the ladder those that one of its steps does."""
        if self.chosen != "ladder":
            return _READ[self.chosen]
        rungs = self.rungs or (Rung("last", "light"),)  # auto's own steps tune, and try views of their own
        recipes = {"finetune" if one.tunes else one.learns for one in rungs} | {FROZEN}
        read = frozenset[str]().union(*(_READ[recipe] for recipe in recipes)) - {"unfreeze"}
        if self.rungs:
            read -= {"augment", "batch_norm"}
        if all(one.augment == PLAIN or one.learns == FROM_PIXELS for one in rungs):
            read -= {"views"}
        return read | {"budget", "steps"}

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The steps that were asked for; none where they are auto's to choose."""
        return parse_rungs(self.steps, AUGMENTATIONS) if self.steps is not None else ()

    @property
    def chosen(self) -> Literal["features", "finetune", "scratch", "ladder"]:
        """The recipe that is carried out: the ladder is what auto does with steps or a budget."""
        if self.recipe != "auto":
            return self.recipe
        if self.steps is not None:
            return "ladder"
        if self.network is not None:
            return "scratch"
        return "features" if self.budget is None else "ladder"

    def plan(self, pictures: int) -> Plan:
        """How a network is trained on so many pictures.

        Raises:
            RequestError: a value is out of range.
        """
        epochs = default_epochs(pictures) if self.epochs is None else self.epochs
        rate = RATE if self.learning_rate is None else self.learning_rate
        batch = BATCH if self.batch is None else self.batch
        return Plan(epochs=epochs, batch=batch, rate=rate, seed=self.seed, mix=self.mix)

    def to_json(self) -> dict[str, Any]:
        """The fields as they stand in ``run.json``."""
        return {
            "source": self.source,
            "recipe": self.recipe,
            "backbone": self.backbone,
            "weights": str(self.weights.absolute()) if self.weights else None,
            "split": [self.split.train, self.split.val, self.split.test],
            "seed": self.seed,
            "fit": self.fit,
            "class_weights": self.class_weights,
            "network": self.network,
            "epochs": self.epochs,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "augment": self.augment,
            "mix": self.mix,
            "unfreeze": self.unfreeze,
            "batch_norm": self.batch_norm,
            "views": self.views,
            "budget": self.budget,
            "steps": self.steps,
            "device": self.device,
            "precision": self.precision,
        }


def parse_budget(text: str) -> float:
    """Seconds, from ``90s``, ``5m``, ``1h`` or a number of seconds.

    Raises:
        RequestError: for anything else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    if found is None or not float(found[1]) > 0:
        raise RequestError(
            f"The budget {shown(text)} cannot be used.",
            "A time above 0 was expected: a number with s, m or h.",
            "Write for example --budget 90s.",
        )
    return float(found[1]) * {"m": 60, "min": 60, "h": 3600}.get(found[2] or "s", 1)


def check_seed(seed: int) -> None:
    """Refuse what is no seed of a training, or of the views that it would make.

    Raises:
        RequestError: it is below 0 or has more than 32 bits.
    """
    if not 0 <= seed < 2**32:
        raise RequestError(
            f"The seed is {seed}.", "A whole number from 0 to 4294967295 was expected.", "Use 0."
        )


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        near = get_close_matches(value, known, n=1)
        raise RequestError(
            f"There is no {what} {shown(value)}.",
            f"One of {', '.join(known)} was expected.",
            f"Did you mean {near[0]}?" if near else f"Use {known[0]}.",
        )
