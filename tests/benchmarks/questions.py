"""Question answering: the reader beside the plain loop of Transformers' documentation, indexing beside ``sentence-transformers``,
and how long a search takes among how many passages.

    pip install sentence-transformers==6.2.0
    python -m tests.benchmarks.questions --threads 2 --texts 128

Contenders take turns, each in a process of its own. Reader: ours; and the loop over questions that Transformers' task guide shows
since the pipeline is gone (tokenize a question with its context, one forward pass, argmax of begin and end), over a
``BertForQuestionAnswering`` with the same encoder and a drawn head. Indexing: our library from the texts to a searchable index
(passages, embeddings, BM25), and ``SentenceTransformer.encode`` of the same passages with its own batches, embeddings alone.
The contexts are those of the sample rows. Search: one question among 1,000, 10,000 and 100,000 passages, whose embeddings are drawn.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table
from tests.benchmarks.mix import TASKS

READERS, INDEXERS = ("quipu", "plain loop"), ("library", "sentence-transformers")
SIZES = {f"{size:,} passages": size for size in (1_000, 10_000, 100_000)}
ASKED = 20  # questions of one turn of a search


def rows(count: int) -> list[dict[str, Any]]:
    """Rows of the sample, each with a context of its own."""
    with open(TASKS / "question_answering" / "sample" / "train.jsonl", encoding="utf-8") as file:
        own = {row["context"]: row for row in map(json.loads, file)}
    if count > len(own):
        raise SystemExit(f"--texts can be {len(own)} at most: so many contexts there are.")
    return list(own.values())[:count]


def cut(count: int) -> list[str]:
    """The passages that the library makes of so many contexts."""
    from tasks.question_answering.documents.passages import passages
    from tasks.question_answering.documents.types import Document

    return [passage.text for row in rows(count) for passage in passages(Document("", row["context"]))]


def load_quipu(options: argparse.Namespace) -> Work:
    """Our reader with a trained adapter."""
    from tasks import pipeline

    qa = pipeline("question-answering", adapter=options.adapter, device="cpu")
    asked, read = ([row[name] for row in rows(options.texts)] for name in ("question", "context"))
    qa(asked[0], read[0])

    def work() -> None:
        qa(asked, read)

    return work


def load_loop(options: argparse.Namespace) -> Work:
    """One question after the other, as the task guide of Transformers does."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    from tasks.core.encoder import default_folder

    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    model: Any = AutoModelForQuestionAnswering.from_pretrained(default_folder())
    asked, read = ([row[name] for row in rows(options.texts)] for name in ("question", "context"))

    def work() -> None:
        for question, context in zip(asked, read, strict=True):
            inputs = tokenizer(question, context, return_tensors="pt")
            with torch.no_grad():
                outputs = model(**inputs)
            start, end = int(outputs.start_logits.argmax()), int(outputs.end_logits.argmax())
            tokenizer.decode(inputs.input_ids[0, start : end + 1])

    work()
    return work


def load_library(options: argparse.Namespace) -> Work:
    """Our library, a new one each turn."""
    from tasks.core.encoder import load_encoder
    from tasks.question_answering.documents.types import Document
    from tasks.question_answering.library import Library

    encoder, read = load_encoder(None, None, "cpu"), [row["context"] for row in rows(options.texts)]

    def work() -> None:
        library = Library(encoder)
        library.add([Document(str(number), text) for number, text in enumerate(read)])
        library.find(["where"], 1)

    return work


def load_sentence_transformers(options: argparse.Namespace) -> Work:
    """The package's own model class over the same weights, on the passages that the library makes."""
    from sentence_transformers import SentenceTransformer

    from tasks.core.encoder import default_folder

    model, read = SentenceTransformer(str(default_folder()), device="cpu"), cut(options.texts)

    def work() -> None:
        model.encode(read, show_progress_bar=False)

    return work


def load_search(options: argparse.Namespace) -> Work:
    """A library of so many passages with drawn embeddings; the questions' are drawn too, as their encoding is not what grows."""
    import numpy as np

    from tasks.question_answering.documents.index import PassageIndex
    from tasks.question_answering.documents.types import Document

    draw = np.random.default_rng(0)
    own = rows(ASKED)
    words = " ".join(row["context"] for row in own).split()

    def text(number: int) -> str:
        return " ".join(draw.choice(words, 60)) + f" {number}"

    index = PassageIndex(lambda some: draw.standard_normal((len(some), 384), np.float32))
    index.add(Document(str(number), text(number)) for number in range(SIZES[options.serve]))
    asked = [row["question"] for row in own]
    index.search(asked[0])

    def work() -> None:
        for question in asked:
            index.search(question)

    return work


LOADERS = {"quipu": load_quipu, "plain loop": load_loop, "library": load_library, "sentence-transformers": load_sentence_transformers}


def report(names: tuple[str, str], figures: dict[str, Figures], count: int, unit: str) -> str:
    """The measured table of two contenders, and the ratio."""
    rows = []
    for name in names:
        each = figures[name]
        speed = [f"{count / each.median():,.1f}", f"{1000 * each.median_cpu() / count:.1f}"]
        rows.append([name, *speed, f"{each.memory:,.0f}", f"{each.first:.1f}"])
    ours, other = (figures[name] for name in names)
    wall, cpu = other.median() / ours.median(), other.median_cpu() / ours.median_cpu()
    head = ["", f"{unit}/s", f"processor ms/{unit}", "peak memory MB", "first answer s"]
    return f"{table(head, rows)}\n\nOurs: {wall:.2f} times the {unit}s/s of {names[1]} (in processor time {cpu:.2f})."


def report_search(figures: dict[str, Figures]) -> str:
    """Milliseconds of a search among so many passages."""
    rows = [[name, f"{1000 * each.median() / ASKED:.1f}", f"{each.memory:,.0f}"] for name, each in figures.items()]
    return table(["search among", "ms/question", "peak memory MB"], rows)


def parse() -> argparse.Namespace:
    """The command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--texts", type=int, default=128, help="how many questions and contexts a turn reads, 180 at most")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--adapter", default="shipped", help="ours: a shipped adapter's name or a folder")
    line.add_argument("--serve", choices=(*LOADERS, *SIZES), help=argparse.SUPPRESS)
    return line.parse_args()


def compete(options: argparse.Namespace) -> None:
    """A contender's own process."""
    import torch

    torch.set_num_threads(options.threads)
    serve(lambda: LOADERS.get(options.serve, load_search)(options))


def main() -> None:
    """Measure and print."""
    options = parse()
    if options.serve:
        compete(options)
        return
    module, arguments = "tests.benchmarks.questions", ["--texts", str(options.texts), "--adapter", options.adapter]
    for names, unit, count in ((READERS, "question", options.texts), (INDEXERS, "passage", len(cut(options.texts)))):
        print(report(names, hold(module, names, arguments, options.rounds, options.threads), count, unit), end="\n\n")
    print(report_search(hold(module, list(SIZES), arguments, options.rounds, options.threads)))


if __name__ == "__main__":
    main()
