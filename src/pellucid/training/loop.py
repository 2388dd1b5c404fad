"""The one training loop: batches in, the weights out that do best on the validation pictures.

What learns is whatever the network's parameters are; where pictures come from is the feed's business, and
the next batch is made while this one is learnt. Everything random is drawn from the seed, the epoch and the
step, so a training that goes on from a checkpoint ends in the bits of one that was never interrupted.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pellucid.errors import PellucidError
from pellucid.evaluation.metrics import LEAST, log_losses
from pellucid.events import Listener, Measured, phase
from pellucid.network.build import Network
from pellucid.network.tail import Tail
from pellucid.network.threads import threads_of_torch
from pellucid.pictures.augment.mix import Mixture
from pellucid.pictures.augment.text import mixing
from pellucid.training.adamw import AdamW
from pellucid.training.affine import softmax
from pellucid.training.allocator import keep_freed_memory
from pellucid.training.checkpoint import State
from pellucid.training.epoch import Epoch, Outcome
from pellucid.training.feed import Batches
from pellucid.training.interrupt import Held, interrupts_held
from pellucid.training.plan import Plan
from pellucid.training.schedule import OneCycle, order
from pellucid.workers import cores, in_order

_AVERAGED = "averaged"
_LAST = "last"
Keep = Callable[[State], None]
Learner = Network | Tail


class DivergedError(PellucidError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class Trained:
    """What a training ends with; the network holds the best weights.

    Attributes:
        epochs: All epochs, in order.
        best: The epoch whose weights were kept.
        stopped: Why no more epochs followed, as a sentence.
    """

    epochs: Sequence[Epoch]
    best: Epoch
    stopped: str


class Loop:
    """One training; ``run`` goes through it.

    Args:
        network: What learns; it ends up with the best weights. One of ours is built ``fast``.
        train: What it learns from.
        val: What the best weights are chosen by.
        plan: How.
        place: Where and how precisely; its device and precision.
        threads: Of PyTorch on a CPU; by default one a processor that this process may use. The same seed
            and the same number of threads give the same bits.
        factors: What the rate is multiplied by for some parameters (``training.adamw``).
        to_the_end: Whether the last epoch's running average is kept, whatever the validation pictures say:
            where they are learnt from too, they favour an epoch before the rate has come down.
    """

    def __init__(
        self,
        network: Learner,
        train: Batches,
        val: Batches,
        plan: Plan,
        place: Accelerator,
        threads: int | None = None,
        factors: Mapping[str, float] | None = None,
        *,
        to_the_end: bool = False,
    ) -> None:
        self.to_the_end = to_the_end
        self.network, self.train, self.val, self.plan = network, train, val, plan
        self.place, self.threads = place, threads or cores()
        network.to(place.device)
        weights_K = plan.class_weights
        self._weights_K = None if weights_K is None else np.array(weights_K, np.float32)
        self._mix = mixing(plan.mix)
        self.averaged = copy.deepcopy(network)
        self._pairs = _Pairs(network, self.averaged)
        self.optimiser = AdamW(network, plan.decay, factors)
        self.steps_an_epoch = -(-len(train) // plan.batch)
        self.rates = OneCycle(plan.rate, plan.epochs * self.steps_an_epoch)
        self.step = 0
        self.sums = Outcome(0.0, 0, 0)  # of the epoch under way
        self.epochs: list[Epoch] = []
        self.best: dict[str, torch.Tensor] = _copied(network)

    def run(self, listen: Listener, keep: Keep, every: float, tell: Callable[[Epoch], None]) -> Trained:
        """Train to the end of the plan, or until its objective has not fallen on the validation pictures for
        its patience.

        Args:
            listen: Told of progress and figures.
            keep: Called with the state that a later ``restore`` takes: after each epoch and in between.
            every: Seconds between the calls in between.
            tell: Called with each epoch that is over.

        Raises:
            DivergedError: the loss was no finite number.
            KeyboardInterrupt: the person's; ``keep`` has been called with the state so far.
        """
        total = self.plan.epochs * len(self.train)
        done = len(self.epochs) * len(self.train) + self.sums.count
        stopped = self._enough()
        keep_freed_memory()
        with (
            threads_of_torch(self.threads),
            interrupts_held() as held,
            phase(listen, "Training", total) as advance,
        ):
            advance(done)
            try:
                while stopped is None:
                    tell(self._epoch(listen, advance, keep, every, held))
                    stopped = self._enough()
                    keep(self.state())
                    held.heed()
            except KeyboardInterrupt:
                if held.holds and not held.hurried:  # else the state may be that of half a step
                    keep(self.state())
                raise
        self.network.load_state_dict(self.best)
        return Trained(self.epochs, self._best(), stopped)

    def _epoch(
        self, listen: Listener, advance: Callable[[int], None], keep: Keep, every: float, held: Held
    ) -> Epoch:
        number = len(self.epochs)
        rows_N = order(self.plan.seed, number, len(self.train))
        begun, kept, first = perf_counter(), monotonic(), self.sums.count
        self.network.train()
        left_N = rows_N[(self.step - number * self.steps_an_epoch) * self.plan.batch :]
        makers = self.threads if self.train.slow else 1

        def work(part: range) -> NDArray[np.float32]:
            return self.train.batch(left_N[part.start : part.stop], number)

        for part, x_BHWC in in_order(work, len(left_N), self.plan.batch, makers):
            self._learn(x_BHWC, self.train.labels_N[left_N[part.start : part.stop]])
            advance(len(part))
            held.heed()
            if monotonic() - kept > every:
                keep(self.state())
                kept = monotonic()
            if self.step % 20 == 0:
                listen(Measured("Training", "", self._so_far(perf_counter() - begun, first)))
        learning = perf_counter() - begun
        epoch = self._validated(
            number, perf_counter() - begun, (self.sums.count - first) / max(learning, 1e-9)
        )
        self.sums = Outcome(0.0, 0, 0)
        figures = {"loss": epoch.loss, "val loss": epoch.val_loss, "val accuracy": epoch.val_accuracy}
        told = f"epoch {epoch.epoch} of {self.plan.epochs}"
        listen(Measured("Training", told, {**figures, "pictures/s": epoch.pictures_per_second}))
        return epoch

    def _so_far(self, seconds: float, first: int) -> dict[str, float]:
        return {
            "loss": self.sums.loss / self.sums.count,
            "accuracy": self.sums.right / self.sums.count,
            "pictures/s": (self.sums.count - first) / seconds,
        }

    def _learn(self, x_BHWC: NDArray[np.float32], labels_B: NDArray[np.int64]) -> None:
        """One step."""
        mixture = self._mix.draw(len(labels_B), self.plan.seed, self.step) if self._mix else None
        outcome = self._gradients(x_BHWC, labels_B, mixture)
        if not np.isfinite(outcome.loss):
            where = f"at step {self.step + 1:,} (epoch {len(self.epochs) + 1})"
            raise self._diverged(f"The loss was {outcome.loss} {where}.")
        self.optimiser.step(self.rates.at(self.step))
        self.sums += outcome
        self.step += 1
        self._pairs.average(min(self.plan.average, self.step / (self.step + 9)))

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            what,
            "A finite loss was expected: the steps were too long for this network and these pictures.",
            f"Train again with a lower learning rate, such as --learning-rate {self.plan.rate / 4:g}.",
        )

    def _gradients(
        self, x_BHWC: NDArray[np.float32], labels_B: NDArray[np.int64], mixture: Mixture | None = None
    ) -> Outcome:
        """Leave the gradient of the mean loss over these pictures in the network's parameters.

        Label smoothing is that of Szegedy et al. 2016, section 7. The loss that is told is without it, and
        every picture counts 1 in it. Of mixed pictures the loss is shared out as the picture is, and right is
        who names the picture's own class.
        """
        if mixture is not None:
            x_BHWC = mixture.numbers(x_BHWC)
        for parameter in self._pairs.own:
            parameter.grad = None
        x_NCHW, labels_N = _on(self.place, x_BHWC), torch.from_numpy(labels_B).to(self.place.device)
        with self.place.autocast():
            logits_NK = self.network(x_NCHW).float()
        chances_NK = functional.log_softmax(logits_NK, dim=1)
        loss_N = -chances_NK.gather(1, labels_N[:, None])[:, 0]
        counted_B = None if self._weights_K is None else self._weights_K[labels_B]
        if mixture is not None:
            own_N = torch.from_numpy(mixture.weights.astype(np.float32)).to(loss_N)
            partners_N = torch.from_numpy(mixture.partners).to(labels_N)
            other_N = -chances_NK.gather(1, labels_N[partners_N][:, None])[:, 0]
            loss_N = own_N * loss_N + (1 - own_N) * other_N
            if counted_B is not None:
                counted_B = mixture.targets(counted_B[:, None])[:, 0]
        self.place.backward(self._mean(loss_N, chances_NK, counted_B))
        right = int((logits_NK.detach().argmax(dim=1) == labels_N).sum())
        return Outcome(float(loss_N.detach().sum()), right, len(labels_B))

    def _mean(self, loss_N: Tensor, chances_NK: Tensor, counted_B: NDArray[np.float32] | None) -> Tensor:
        """The mean loss with smoothed labels, each picture counting what its class does."""
        share = self.plan.smoothing
        if share:
            loss_N = (1 - share) * loss_N - share * chances_NK.mean(dim=1)
        if counted_B is None:
            return loss_N.mean()
        counted_N = torch.from_numpy(counted_B).to(loss_N)
        return (loss_N * counted_N).sum() / counted_N.sum()

    def _validated(self, number: int, seconds: float, pace: float) -> Epoch:
        """The epoch's figures; its weights are kept where no epoch before did better."""
        begun = perf_counter()
        candidates = [(self.averaged, _AVERAGED)]
        if not self.to_the_end:
            candidates.insert(0, (self.network, _LAST))
        judged = [(self._judged(logits(one, self.val, self.place)), one, name) for one, name in candidates]
        (objective, loss, accuracy), network, name = min(judged, key=lambda one: one[0])
        if not np.isfinite(loss):
            raise self._diverged(f"The validation loss was {loss} after epoch {number + 1}.")
        self.epochs.append(
            Epoch(
                epoch=number + 1,
                loss=self.sums.loss / self.sums.count,
                accuracy=self.sums.right / self.sums.count,
                val_loss=loss,
                val_accuracy=accuracy,
                weights=name,
                rate=self.rates.at(self.step - 1),
                seconds=round(seconds + perf_counter() - begun, 3),
                pictures_per_second=round(pace, 1),
                val_objective=objective,
            )
        )
        if self._best() is self.epochs[-1]:
            self.best = _copied(network)
        return self.epochs[-1]

    def _judged(self, logits_NK: NDArray[np.float32]) -> tuple[float, float, float]:
        """The objective and the log loss, in nats and each picture counting what its class does; accuracy."""
        labels_N, share = self.val.labels_N, self.plan.smoothing
        right_N = logits_NK.argmax(axis=1) == labels_N
        chances_NK = softmax(logits_NK)
        loss_N = log_losses(chances_NK, labels_N)
        counted_N = None if self._weights_K is None else self._weights_K[labels_N]
        loss = float(np.average(loss_N, weights=counted_N))
        smooth_N = -np.log(np.maximum(chances_NK, LEAST)).mean(axis=1)
        objective = (1 - share) * loss + share * float(np.average(smooth_N, weights=counted_N))
        return objective, loss, float(right_N.mean())

    def _best(self) -> Epoch:
        return self.epochs[-1] if self.to_the_end else min(self.epochs, key=lambda epoch: epoch.val_objective)

    def _enough(self) -> str | None:
        """Why to stop now; None where there is more to do."""
        if len(self.epochs) == self.plan.epochs:
            number = self.plan.epochs
            return "The one epoch was done." if number == 1 else f"All {number} epochs were done."
        if self.epochs and len(self.epochs) - self._best().epoch >= self.plan.patience:
            return (
                f"The validation loss had not fallen for {self.plan.patience} epochs, so "
                f"{len(self.epochs)} of {self.plan.epochs} were done."
            )
        return None

    # --- a state that can be kept ------------------------------------------------------------------------

    def state(self) -> State:
        """All that this training needs to go on."""
        tensors: dict[str, NDArray[Any]] = {}
        for kind, found in (
            ("network", self.network.state_dict()),
            (_AVERAGED, self.averaged.state_dict()),
            ("best", self.best),
            ("chance", {"state": self.network.generator.get_state()}),
            ("optimiser", self.optimiser.moments()),
        ):
            tensors |= {
                f"{kind}.{name}": value.detach().cpu().numpy().copy() for name, value in found.items()
            }
        sums = asdict(self.sums)
        epochs = [asdict(one) for one in self.epochs]
        return State(tensors, {"step": self.step, "sums": sums, "epochs": epochs, "threads": self.threads})

    def restore(self, state: State) -> None:
        """Go on from a state of a training with the same network, pictures and plan, on as many threads.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: it is the state of another network.
        """

        def part(kind: str) -> dict[str, torch.Tensor]:
            return {
                name.removeprefix(f"{kind}."): torch.from_numpy(values)
                for name, values in state.tensors.items()
                if name.startswith(f"{kind}.")
            }

        self.network.load_state_dict(part("network"))
        self.averaged.load_state_dict(part(_AVERAGED))
        self.best = part("best")
        self.network.generator.set_state(part("chance")["state"])
        self.optimiser.remember(part("optimiser"))
        self.threads = int(state.facts["threads"])
        self.step = int(state.facts["step"])
        self.sums = Outcome(**state.facts["sums"])
        self.epochs = [Epoch(**one) for one in state.facts["epochs"]]


def logits(network: Learner, feed: Batches, place: Accelerator, size: int = 256) -> NDArray[np.float32]:
    """What the network says of all pictures of a feed as they are: (N, K) float32."""
    network.eval()
    parts = []
    with torch.inference_mode(), place.autocast():
        for part, x_BHWC in in_order(
            lambda part: feed.batch(np.arange(part.start, part.stop), 0), len(feed), size, 1
        ):
            answers_NK = network(_on(place, x_BHWC)).float().cpu().numpy()
            parts.append(answers_NK[: len(part)])
    return np.concatenate(parts)


def _on(place: Accelerator, x_BHWC: NDArray[np.float32]) -> Tensor:
    """(B, H, W, C) seen as (B, C, H, W), which is channels-last memory without a copy."""
    return torch.from_numpy(x_BHWC).permute(0, 3, 1, 2).to(place.device)


class _Pairs:
    """The tensors of a network and of its average, looked up once for all steps."""

    def __init__(self, network: nn.Module, averaged: nn.Module) -> None:
        self.own: list[Tensor] = list(network.parameters())
        self._averaged: list[Tensor] = list(averaged.parameters())
        self._buffers = list(zip(averaged.buffers(), network.buffers(), strict=True))

    def average(self, keep: float) -> None:
        """averaged = keep * averaged + (1 - keep) * network, of parameters; statistics are taken over."""
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self.own, 1 - keep)
            for own, other in self._buffers:
                own.copy_(other)


def _copied(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
