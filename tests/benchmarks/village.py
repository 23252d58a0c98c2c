"""The village beside real texts: how fast it is told, and how rich its words are.

    python tests/benchmarks/village.py [--tinystories FILE.json] [--shakespeare FILE.txt]

Speed: megabytes of text a second on one core, stories of both languages with all demonstrations. Richness: as the Village page measures it,
over the first 150,000 words and the first 500,000 characters of each text.
"""

import argparse
import json
import sys
import time
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gptlab.data.richness import word_statistics  # noqa: E402
from gptlab.data.village.documents import Village  # noqa: E402


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--tinystories", type=Path)
    ask.add_argument("--shakespeare", type=Path)
    args = ask.parse_args()
    for languages in (("en",), ("ko",), ("en", "ko")):
        begin = time.perf_counter()
        n_bytes = sum(len(told.text.encode()) for told in islice(Village(languages, seed=2).documents(), 5_000))
        print(f"{'+'.join(languages):6s} {n_bytes / 1e6 / (time.perf_counter() - begin):5.1f} MB/s")
    texts = {"village, English": Village(("en",)).text(2.0).text, "village, Korean": Village(("ko",)).text(2.0).text}
    if args.tinystories:
        texts["TinyStories"] = "\n\n".join(json.loads(args.tinystories.read_text(encoding="utf-8")))
    if args.shakespeare:
        texts["Tiny Shakespeare"] = args.shakespeare.read_text(encoding="utf-8")
    for name, text in texts.items():
        found = word_statistics(text)
        bits = "  ".join(f"{value:.2f}" for value in found.entropy_bits)
        print(f"{name:18s} {found.n_words:>8,} words  {found.n_forms:>6,} forms  bits a word {bits}  compression {found.compression:.2f}")


if __name__ == "__main__":
    main()
