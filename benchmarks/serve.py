"""How many pictures a second ``pellucid serve`` answers for, beside the same classifier without HTTP.

    python -m benchmarks.serve FOLDER

In turns, round by round: the backbone's own answers for the pictures of a folder by ``Classifier.predict``
in a process of its own, and the same pictures sent to the server by one client, and by several at once.
"""

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks import machine, record
from benchmarks.process import ROOT, run
from benchmarks.spread import Figures, tell

_MODEL = "efficientnet_lite0"
_CLIENTS = (1, 8)
_DIRECT = """
import sys, time
from pellucid.api import load

classifier, paths = load(sys.argv[1]), sys.argv[2:]
classifier.predict(paths[:8])
begun = time.perf_counter()
classifier.predict(paths)
print(len(paths) / (time.perf_counter() - begun))
"""


@contextmanager
def serving() -> Iterator[str]:
    """Host and port of a server that ends with the block."""
    command = [Path(sys.executable).with_name("pellucid"), "serve", _MODEL, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield urlsplit(json.loads(server.stdout.readline())["address"]).netloc
        finally:
            server.terminate()


def ask(place: str, pictures: Sequence[bytes], clients: int) -> tuple[float, list[float]]:
    """Pictures a second, and each one's milliseconds, with so many connections at once."""

    def client(part: Sequence[bytes]) -> list[float]:
        line, waited = http.client.HTTPConnection(place, timeout=60), []
        for data in part:
            begun = time.perf_counter()
            line.request("POST", "/predict", data)
            response = line.getresponse()
            assert "label" in json.loads(response.read())
            waited.append(1e3 * (time.perf_counter() - begun))
        line.close()
        return waited

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as people:
        waited = list(people.map(client, [pictures[number::clients] for number in range(clients)]))
    return len(pictures) / (time.perf_counter() - begun), [one for part in waited for one in part]


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("folder", type=Path, help="pictures, in folders or not")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=240, help="pictures (240)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    given = parser.parse_args()
    about, figures = machine.describe(), Figures()
    paths = [path for path in sorted(given.folder.rglob("*")) if path.suffix.lower() in (".jpg", ".png")]
    pictures = [path.read_bytes() for path in paths[: given.most]]
    with serving() as place:
        ask(place, pictures[:8], 2)
        for turn in range(given.rounds):
            tell(f"round {turn + 1} of {given.rounds}")
            said = run([sys.executable, "-c", _DIRECT, _MODEL, *paths[: given.most]]).output
            direct = float(said.split()[-1])
            figures.rate("predict, without HTTP", direct)
            for clients in _CLIENTS:
                pace, waited = ask(place, pictures, clients)
                name = f"serve, {clients} client{'s' if clients > 1 else ''} at once"
                figures.rate(name, pace)
                figures.note(f"{name}: a picture waits, median", median(waited), unit="ms")
                figures.rate(f"{name} / predict", pace / direct, "x")
    print(figures.table())
    path = record.write(
        "serve",
        note=given.note,
        settings={"model": _MODEL, "pictures": len(pictures), "rounds": given.rounds, "clients": _CLIENTS},
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
