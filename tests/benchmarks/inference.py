"""Event detection beside ``transformers.pipeline`` on the same encoder, and beside the floor.

    python -m tests.benchmarks.inference --threads 2 --texts 512

Contenders take turns, each in a process of its own: ours; the stock ``token-classification`` pipeline with
``batch_size=32`` over the same encoder weights and a B/I/O head for the same 166 types; and the floor, which
is the encoder's operations for the true tokens over the matrix-product rate measured in the same turn.
Goals: at least 2 times the stock pipeline's texts a second, and at most 1.5 times the floor's time.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table

FLOOR_TOKENS = 1024  # rows of the matrices whose product is timed
CONTENDERS = ("quipu", "transformers pipeline", "floor")


def load_quipu(count: int, adapter: str) -> Work:
    """Our pipeline with a trained adapter: an untrained one would find other amounts of events."""
    from tasks import pipeline

    detect = pipeline("event-detection", adapter=adapter, device="cpu")
    texts = mixed_texts(detect.scorer.encoder.tokenizer, count)
    detect(texts[0])

    def work() -> None:
        detect(texts)

    return work


def load_stock(count: int, _: str) -> Work:
    """The stock pipeline; its head says "no event" nearly always, as a trained one would."""
    import torch
    from transformers import AutoTokenizer, BertForTokenClassification, pipeline

    from tasks.core.encoder import default_folder

    names = ["O", *(f"{mark}-{number}" for number in range(166) for mark in "BI")]
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}
    model: Any = BertForTokenClassification.from_pretrained(default_folder(), **labels)
    with torch.no_grad():
        model.classifier.bias[0] = 3.0
    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    texts = mixed_texts(tokenizer, count)
    stock: Any = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu", aggregation_strategy="simple")
    stock(texts[0])

    def work() -> None:
        stock(texts, batch_size=32)

    return work


def load_floor(count: int, _: str, task: str = "event_detection") -> Work:
    """Seconds that the encoder's operations take at the rate of this very moment.

    On a busy machine the short products find a quiet moment that a whole turn does not, so compare processor time
    there, with one thread.
    """
    from transformers import AutoTokenizer

    from tasks.core.encoder import default_folder
    from tests.benchmarks.floor import flops, matrix_rate

    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    operations = flops(token_counts(tokenizer, mixed_texts(tokenizer, count, task)))
    return lambda: (operations / matrix_rate(FLOOR_TOKENS), operations / matrix_rate(FLOOR_TOKENS, clock=time.process_time))


def mixed_texts(tokenizer: Any, count: int, task: str = "event_detection") -> list[str]:
    """The texts of the mix, for this tokenizer."""
    from tests.benchmarks.mix import texts

    return texts(count, lambda word: len(tokenizer(word, add_special_tokens=False)["input_ids"]), task=task)


def token_counts(tokenizer: Any, texts: list[str]) -> list[int]:
    """Tokens of each text, special ones included."""
    return [len(ids) for ids in tokenizer(texts)["input_ids"]]


def report(figures: dict[str, Figures], count: int, tokens: int) -> str:
    """The measured table and the two ratios."""
    rows = []
    for name, each in figures.items():
        speed = [f"{count / each.median():,.0f}", f"{tokens / each.median():,.0f}", f"{1000 * each.median_cpu() / count:.2f}"]
        rows.append([name, *speed, *(["", ""] if name == "floor" else [f"{each.memory:,.0f}", f"{each.first:.1f}"])])
    head = ["", "texts/s", "tokens/s", "processor ms/text", "peak memory MB", "first answer s"]
    ours, stock, floor = (figures[name] for name in CONTENDERS)
    wall = f"{stock.median() / ours.median():.2f} times the stock pipeline's texts/s; {ours.median() / floor.median():.2f} times the floor"
    cpu = f"in processor time {stock.median_cpu() / ours.median_cpu():.2f} and {ours.median_cpu() / floor.median_cpu():.2f}"
    return f"{table(head, rows)}\n\nOurs: {wall} ({cpu})."


def main() -> None:
    """Measure and print."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--texts", type=int, default=512, help="how many texts a turn reads")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--adapter", default="shipped", help="ours: a shipped adapter's name or a folder")
    line.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = line.parse_args()
    if options.serve:
        import torch

        torch.set_num_threads(options.threads)
        load = dict(zip(CONTENDERS, (load_quipu, load_stock, load_floor), strict=True))[options.serve]
        serve(lambda: load(options.texts, options.adapter))
        return
    from tests.benchmarks.mix import lengths

    arguments = ["--texts", str(options.texts), "--adapter", options.adapter]
    figures = hold("tests.benchmarks.inference", CONTENDERS, arguments, options.rounds, options.threads)
    print(report(figures, options.texts, sum(lengths(options.texts))))


if __name__ == "__main__":
    main()
