"""One forward pass of any ``torch.nn.Module`` on one picture, with every step between its input and output.

The steps are the leaf modules and the functions that are called between them: residual additions,
concatenations, ``F.relu``. They are found by torch.fx where it can follow the network, and where it cannot by
hooks on the modules and PyTorch's own watching of function calls; both leave nothing behind. What a step
computes is left to ``insight.recognition`` and ``insight.calls``.
"""

import contextlib
import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from pellucid.errors import shown
from pellucid.insight.calls import tensors_in
from pellucid.insight.recognition import is_leaf
from pellucid.insight.record import Record, Seen, Step
from pellucid.network.threads import threads_of_torch
from pellucid.network.traced import TraceError
from pellucid.workers import cores

How = Literal["fx", "hooks"]
"""Whether torch.fx followed the network, or hooks and watched function calls."""

BUDGET = 256 * 2**20
"""How many bytes of outputs are kept; the others are made again when they are asked for."""

_FETCHED = 4  # outputs beyond the budget that are held at a time


@dataclass
class Trace:
    """The steps of one forward pass, and their outputs.

    Attributes:
        how: How the steps were found.
        steps: By name, in the order in which they happened; the first is the picture, ``input``.
        output: The name of the step that is the network's output; None where there are several, or none.
        replay: Runs the network once more, on any one picture (1, C, H, W), with gradients for an input that
            wants them, and tells the listener each step's name and output as it is made.
        run: What the network gives for any batch, without gradients and without a record.
    """

    how: How
    steps: Mapping[str, Step]
    output: str | None
    replay: Callable[[Tensor, Seen], Any]
    run: Callable[[Tensor], Any]
    _kept: dict[str, NDArray[Any]]
    _again: Callable[[str], NDArray[Any]]

    def __post_init__(self) -> None:
        self._fetched: OrderedDict[str, NDArray[Any]] = OrderedDict()

    def value(self, name: str) -> NDArray[Any]:
        """A step's output without the batch: float (channels, height, width) or (units,)."""
        if name in self._kept:
            return self._kept[name]
        if name not in self._fetched:
            self._fetched[name] = self._again(name)
            if len(self._fetched) > _FETCHED:
                self._fetched.popitem(last=False)
        return self._fetched[name]

    def users(self, name: str) -> tuple[Step, ...]:
        """The steps that were given this one's output."""
        return tuple(step for step in self.steps.values() if name in step.inputs)


def trace(module: nn.Module, x_CHW: NDArray[Any] | Tensor, *, budget: int = BUDGET) -> Trace:
    """Run the module once on one picture and keep what each step was given and gave.

    The module runs in inference mode and is left as it was: its mode, its statistics, no hook in it.

    Args:
        module: Takes a batch of pictures (N, C, H, W), or of flat rows (N, D).
        x_CHW: One picture as the network sees it, or one flat row.
        budget: How many bytes of outputs are kept; the others are made again on demand.

    Raises:
        TraceError: The module cannot be run on such a picture.
    """
    root = _Alone(module) if is_leaf(module) else module
    like = next((one for one in module.parameters() if one.is_floating_point()), torch.zeros(()))
    x_NCHW = torch.as_tensor(x_CHW).detach().to(like.device, like.dtype)[None]
    how, record, output = _first_pass(root, x_NCHW, budget)

    def again(name: str) -> NDArray[Any]:
        fresh = Record(root, lambda one, _: one == name)
        with _quietly(root):
            _PASSES[how](root, x_NCHW.clone(), fresh)
        return fresh.kept[name]

    quick: list[nn.Module] = []
    graphs: list[Callable[[Tensor, Record], Any]] = []  # made once, which takes longer than to run it

    def replay(once_NCHW: Tensor, seen: Seen) -> Any:
        fresh = Record(root, lambda name, size: False, seen)
        with _quietly(root, gradients=True):
            moved_NCHW = once_NCHW.to(like.device, like.dtype)
            if how == "hooks":
                return _by_hooks(root, moved_NCHW, fresh)
            if not graphs:
                graphs.append(_graph_of(root))
            return graphs[0](moved_NCHW, fresh)

    def run(batch_NCHW: Tensor) -> Any:
        if not quick:
            quick.append(_channels_last(root))
        moved = batch_NCHW.to(like.device, like.dtype)
        with _quietly(quick[0], threads=cores()):
            return quick[0](moved.contiguous(memory_format=torch.channels_last) if moved.ndim == 4 else moved)

    return Trace(how, record.steps, output, replay, run, record.kept, again)


@contextlib.contextmanager
def watching(module: nn.Module, record: Record) -> Iterator[None]:
    """Write down what runs in the block; afterwards no hook is left in the module, whatever happened."""
    watcher = _Watcher(record)
    with contextlib.ExitStack() as stack:
        for path, one in module.named_modules():
            begin, end = watcher.hooks(path, one)
            stack.callback(one.register_forward_pre_hook(begin, with_kwargs=True).remove)
            stack.callback(one.register_forward_hook(end, with_kwargs=True).remove)
        stack.enter_context(watcher)
        yield


class _Alone(nn.Module):
    """A module that is one layer itself, so that the layer has a name: ``conv2d``."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.inner = type(module).__name__.lower()
        self.add_module(self.inner, module)

    def forward(self, x_NCHW: Tensor) -> Any:
        return self.get_submodule(self.inner)(x_NCHW)


def _within(budget: int) -> Callable[[str, int], bool]:
    """Whether an output is kept: as long as there is room."""
    left = budget

    def keep(name: str, size: int) -> bool:
        nonlocal left
        if size > left:
            return False
        left -= size
        return True

    return keep


def _first_pass(module: nn.Module, x_NCHW: Tensor, budget: int) -> tuple[How, Record, str | None]:
    """By torch.fx where that gives what the module gives, else under hooks; and the name of the output."""
    with _quietly(module):
        wanted = _tensors(lambda: module(x_NCHW.clone()), module, x_NCHW)
        record = Record(module, _within(budget))
        with contextlib.suppress(Exception):  # torch.fx raises of many kinds, each for what it cannot follow
            found = list(tensors_in([_by_fx(module, x_NCHW.clone(), record)]))
            if _equal(found, wanted):
                return "fx", record, _output(record, found)
        record = Record(module, _within(budget))
        found = _tensors(lambda: _by_hooks(module, x_NCHW.clone(), record), module, x_NCHW)
        return "hooks", record, _output(record, found)


def _channels_last(module: nn.Module) -> nn.Module:
    """A copy that lies channels last, which takes 0.4 of the time; itself where it cannot be copied."""
    try:
        return copy.deepcopy(module).to(memory_format=torch.channels_last)
    except Exception:  # a module may hold anything
        return module


def _tensors(run: Callable[[], Any], module: nn.Module, x_NCHW: Tensor) -> list[Tensor]:
    """What a pass gives, or in a paragraph why it gives nothing."""
    try:
        return list(tensors_in([run()]))
    except Exception as error:  # a module may raise anything
        shape = "x".join(map(str, x_NCHW.shape[1:]))
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise TraceError(
            f"The network {shown(type(module).__name__)} does not run on an input of {shape} ({reason}).",
            "A module that takes one batch of pictures (N, C, H, W) was expected.",
            "Give a picture of the channels, height and width that it was made for.",
        ) from error


def _output(record: Record, found: list[Tensor]) -> str | None:
    return record.name_of(found[0]) if len(found) == 1 else None


def _equal(found: list[Tensor], wanted: list[Tensor]) -> bool:
    """Whether following the network by torch.fx gave the same bits as running it."""
    return len(found) == len(wanted) and all(map(torch.equal, found, wanted))


@contextlib.contextmanager
def _quietly(module: nn.Module, *, gradients: bool = False, threads: int = 1) -> Iterator[None]:
    """Inference mode for the while; then each module's own mode again. No warnings of PyTorch's insides.

    A single picture goes on one thread: on a busy machine, threads wait for one another at every step.
    """
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        with (
            threads_of_torch(threads),
            torch.set_grad_enabled(gradients),
            torch.inference_mode(not gradients),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, mode in modes:
            one.training = mode


def _by_fx(module: nn.Module, x_NCHW: Tensor, record: Record) -> Any:
    """What the module gives; torch.fx turns it into a graph, whose nodes are run one by one."""
    return _graph_of(module)(x_NCHW, record)


def _graph_of(module: nn.Module) -> Callable[[Tensor, Record], Any]:
    """The module as torch.fx follows it, ready to be run on any picture with any record."""
    before = set(vars(module))
    try:
        graph_module = fx.GraphModule(module, _Tracer().trace(module))
    finally:
        # torch.fx hangs the constants that it finds on the module itself.
        found = [vars(module).pop(name) for name in set(vars(module)) - before]

    def run(x_NCHW: Tensor, record: Record) -> Any:
        record.fix(tensors_in(found))
        record.picture(x_NCHW)
        return _Interpreter(graph_module, record).run(x_NCHW)

    return run


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_leaf(m)


class _Interpreter(fx.Interpreter):
    """Runs a graph and writes each module and function down."""

    def __init__(self, module: fx.GraphModule, record: Record) -> None:
        super().__init__(module)
        self._record, self._path = record, ""

    def run_node(self, n: fx.Node) -> Any:
        stack = n.meta.get("nn_module_stack")
        self._path = str(next(reversed(stack.values()))[0]) if stack else ""
        return super().run_node(n)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        output = super().call_module(target, args, kwargs)
        self._record.module(str(target), self.fetch_attr(target), [args, kwargs], output)
        return output

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        output = super().call_function(target, args, kwargs)
        self._record.call(self._path, target.__name__, args, kwargs, output)
        return output

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        output = super().call_method(target, args, kwargs)
        self._record.call(self._path, str(target), args, kwargs, output)
        return output


def _by_hooks(module: nn.Module, x_NCHW: Tensor, record: Record) -> Any:
    """What the module gives, run as it is."""
    record.picture(x_NCHW)
    with watching(module, record):
        return module(x_NCHW)


_PASSES: dict[How, Callable[[nn.Module, Tensor, Record], Any]] = {"fx": _by_fx, "hooks": _by_hooks}


class _Watcher(TorchFunctionMode):
    """Knows in which module the pass is, and hears of every function that is called outside a leaf."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record
        self._paths: list[str] = []
        self._inside = 0  # how deep in a leaf; what happens there is the leaf's own business

    def hooks(self, path: str, module: nn.Module) -> tuple[Any, Any]:
        """What is called before and after this module runs."""
        leaf = is_leaf(module)

        def begin(one: nn.Module, given: Any, named: Any) -> None:
            self._paths.append(path)
            if leaf or self._inside:
                self._inside += 1

        def end(one: nn.Module, given: Any, named: Any, output: Any) -> None:
            if leaf and self._inside == 1:
                self._record.module(path, one, [given, named], output)
            self._inside -= 1 if self._inside else 0
            self._paths.pop()

        return begin, end

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        output = func(*args, **named)
        if not self._inside and getattr(func, "__name__", "") != "__get__":
            self._record.call(self._paths[-1] if self._paths else "", func.__name__, args, named, output)
        return output
