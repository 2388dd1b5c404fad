"""Plain PyTorch with timm: the same network, eager, and a linear head on it; its last stage may learn too.

A script of its own, so that it needs nothing of Pellucid but the file of weights; prints one JSON object.
"""

import argparse
import json
import random
import time

started = time.perf_counter()
import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Subset  # noqa: E402
from torchvision.datasets import ImageFolder  # noqa: E402

imported = time.perf_counter()
LAST = ("blocks.6.", "conv_head.", "bn2.")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--weights", required=True, help="safetensors, under timm's names")
    parser.add_argument("--number", type=int, help="take only so many pictures")
    parser.add_argument(
        "--channels-last", action="store_true", help="the layout that PyTorch's guides advise"
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument(
        "--tune",
        action="store_true",
        help="the last stage learns too, from a new view of each picture each time",
    )
    return parser.parse_args()


def main() -> None:
    """Some epochs over a folder of class folders."""
    given = arguments()
    torch.manual_seed(0)
    overlay = {"file": given.weights}
    body = timm.create_model(
        "tf_efficientnet_lite0", pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0
    )
    body.eval()  # batch statistics stay as they are
    for name, parameter in body.named_parameters():
        parameter.requires_grad_(given.tune and name.startswith(LAST))
    layout = torch.channels_last if given.channels_last else torch.contiguous_format
    body = body.to(memory_format=layout)
    views = {"is_training": True, "scale": (0.8, 1.0), "auto_augment": None}
    transform = timm.data.create_transform(
        **timm.data.resolve_model_data_config(body), **(views if given.tune else {"is_training": False})
    )
    data = ImageFolder(given.folder, transform)
    chosen = random.Random(0).sample(range(len(data)), given.number or len(data))
    head = nn.Linear(body.num_features, len(data.classes))
    learning = [one for one in (*body.parameters(), *head.parameters()) if one.requires_grad]
    optimiser = torch.optim.AdamW(learning, 1e-3)
    loader = DataLoader(Subset(data, chosen), batch_size=32, shuffle=True, num_workers=2)
    ready = time.perf_counter()
    for _ in range(given.epochs):
        right = 0
        for x_NCHW, labels_N in loader:
            with torch.set_grad_enabled(given.tune):
                features_ND = body(x_NCHW.to(memory_format=layout))
            logits_NK = head(features_ND)
            loss = nn.functional.cross_entropy(logits_NK, labels_N)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            right += int((logits_NK.argmax(1) == labels_N).sum())
    ended = time.perf_counter()
    print(
        json.dumps(
            {
                "pictures": len(chosen),
                "seconds": {
                    "imports": imported - started,
                    "model": ready - imported,
                    "epoch": (ended - ready) / given.epochs,
                },
                "accuracy_while_learning": right / len(chosen),
                "versions": {
                    "torch": torch.__version__,
                    "torchvision": torchvision.__version__,
                    "timm": timm.__version__,
                },
            }
        )
    )


if __name__ == "__main__":
    main()
