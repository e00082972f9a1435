"""Opinion analysis beside two ``transformers`` pipelines on the same encoder, and beside the floor.

    python -m tests.benchmarks.opinions --threads 2 --texts 384

Contenders take turns, each in a process of its own: ours, which gives the overall polarity and the triplets; the stock
``text-classification`` and ``token-classification`` pipelines with ``batch_size=32``, one after the other, which give
the polarity and tagged words (no pairs), over the same encoder weights; and the floor (see ``inference``) of one pass.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table
from tests.benchmarks.inference import load_floor, mixed_texts

TASK = "opinion_analysis"
CONTENDERS = ("quipu", "two transformers pipelines", "floor")
TAGS = ["O", "B-target", "I-target", "B-expression", "I-expression"]


def load_quipu(count: int, adapter: str) -> Work:
    """Our pipeline with a trained adapter: an untrained one would find other amounts of opinions."""
    from tasks import pipeline

    analyze = pipeline("opinion-analysis", adapter=adapter, device="cpu")
    texts = mixed_texts(analyze.scorer.encoder.tokenizer, count, TASK)
    analyze(texts[0])

    def work() -> None:
        analyze(texts)

    return work


def load_stock(count: int, _: str) -> Work:
    """The stock pipelines; the tagger says "no opinion" for most words, as a trained one would."""
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification, BertForTokenClassification, pipeline

    from tasks.core.encoder import default_folder

    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    sequence: Any = BertForSequenceClassification.from_pretrained(default_folder(), num_labels=3)
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {name: number for number, name in enumerate(TAGS)}}
    tokens: Any = BertForTokenClassification.from_pretrained(default_folder(), **labels)
    with torch.no_grad():
        tokens.classifier.bias[0] = 3.0
    texts = mixed_texts(tokenizer, count, TASK)
    classify: Any = pipeline("text-classification", model=sequence, tokenizer=tokenizer, device="cpu")
    tag: Any = pipeline("token-classification", model=tokens, tokenizer=tokenizer, device="cpu", aggregation_strategy="simple")
    classify(texts[0]), tag(texts[0])

    def work() -> None:
        classify(texts, batch_size=32)
        tag(texts, batch_size=32)

    return work


def report(figures: dict[str, Figures], count: int) -> str:
    """The measured table and the two ratios."""
    rows = []
    for name, each in figures.items():
        speed = [f"{count / each.median():,.0f}", f"{1000 * each.median_cpu() / count:.2f}"]
        rows.append([name, *speed, *(["", ""] if name == "floor" else [f"{each.memory:,.0f}", f"{each.first:.1f}"])])
    head = ["", "texts/s", "processor ms/text", "peak memory MB", "first answer s"]
    ours, stock, floor = (figures[name] for name in CONTENDERS)
    wall = f"{stock.median() / ours.median():.2f} times the two pipelines' texts/s; {ours.median() / floor.median():.2f} times the floor"
    cpu = f"in processor time {stock.median_cpu() / ours.median_cpu():.2f} and {ours.median_cpu() / floor.median_cpu():.2f}"
    return f"{table(head, rows)}\n\nOurs: {wall} ({cpu})."


def main() -> None:
    """Measure and print."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--texts", type=int, default=384, help="how many texts a turn reads")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--adapter", default="shipped", help="ours: a shipped adapter's name or a folder")
    line.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = line.parse_args()
    if options.serve:
        import torch

        torch.set_num_threads(options.threads)
        load = dict(zip(CONTENDERS, (load_quipu, load_stock, partial(load_floor, task=TASK)), strict=True))[options.serve]
        serve(lambda: load(options.texts, options.adapter))
        return
    arguments = ["--texts", str(options.texts), "--adapter", options.adapter]
    print(report(hold("tests.benchmarks.opinions", CONTENDERS, arguments, options.rounds, options.threads), options.texts))


if __name__ == "__main__":
    main()
