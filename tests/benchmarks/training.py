"""Our trainer beside the stock ``Trainer`` with ``DataCollatorForTokenClassification``: same LoRA encoder, rows, batch.

    python -m tests.benchmarks.training --threads 2 --rows 256

A turn is one pass over the sample rows. Ours also encodes the label texts of every batch, which is what lets it
match labels it never saw: "encoded tokens/s" counts these too, and ``label_sample`` makes them fewer. Contenders
take turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table
from tests.benchmarks.mix import TASKS

EVENTS = TASKS / "event_detection"
BATCH, RANK = 16, 32
CONTENDERS = ("quipu, all labels", "quipu, 24 labels", "stock Trainer")


def sample_rows(count: int) -> list[dict[str, Any]]:
    """The first ``count`` training rows that were written for the project."""
    with open(EVENTS / "sample" / "train.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for _, line in zip(range(count), file, strict=False)]


def load_quipu(count: int, label_sample: int) -> Work:
    """The trainer of ``python -m finetune`` with its defaults, without evaluation and files."""
    from peft import get_peft_model

    from finetune.config import DEFAULTS
    from finetune.train import TaskTrainer
    from tasks.core.adapters import lora_config
    from tasks.core.encoder import load_encoder
    from tasks.event_detection.training import Options, Training

    encoder = load_encoder(device="cpu")
    options = Options(label_file=str(EVENTS / "labels.json"), label_sample=label_sample, max_empty=0)
    network = get_peft_model(encoder.model, lora_config(RANK, 2 * RANK, 0.1))  # type: ignore[arg-type]
    training = Training(encoder, network, options, [("sample", sample_rows(count))], 0)
    trainer = TaskTrainer(training, [], "lora", arguments(train_sampling_strategy=DEFAULTS["train_sampling_strategy"]))

    def work() -> None:
        trainer.train()

    return work


def load_stock(count: int) -> Work:
    """The recipe of the library's own token-classification examples, with LoRA on the same layers."""
    from peft import get_peft_model
    from transformers import AutoTokenizer, BertForTokenClassification, DataCollatorForTokenClassification, Trainer

    from tasks.core.adapters import lora_config
    from tasks.core.encoder import default_folder

    rows = sample_rows(count)
    types = sorted({event["type"] for row in rows for event in row["events"]})
    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    model: Any = BertForTokenClassification.from_pretrained(default_folder(), num_labels=2 * len(types) + 1)
    model.bert = get_peft_model(model.bert, lora_config(RANK, 2 * RANK, 0.1))
    model.accepts_loss_kwargs = False
    features = [{"input_ids": ids, "labels": labels} for ids, labels in tagged(tokenizer, rows, types)]
    trainer = Trainer(model, arguments(), DataCollatorForTokenClassification(tokenizer), features)

    def work() -> None:
        trainer.train()

    return work


def tagged(tokenizer: Any, rows: Sequence[dict[str, Any]], types: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """Token ids with B/I/O labels, the usual way."""
    for row in rows:
        encoding = tokenizer(row["text"], truncation=True)
        labels = [0] * len(encoding["input_ids"])
        for event in row["events"]:
            start, end = event["trigger"]["start"], event["trigger"]["end"]
            tokens = sorted({token for place in range(start, end) if (token := encoding.char_to_token(place)) is not None})
            for number, token in enumerate(tokens):
                labels[token] = 1 + 2 * types.index(event["type"]) + (number > 0)
        yield encoding["input_ids"], labels


def arguments(**options: Any) -> Any:
    """The same settings for both trainers."""
    from transformers import TrainingArguments

    fixed: dict[str, Any] = {"per_device_train_batch_size": BATCH, "num_train_epochs": 1, "use_cpu": True, "disable_tqdm": True}
    quiet: dict[str, Any] = {"save_strategy": "no", "report_to": "none", "remove_unused_columns": False, "logging_strategy": "no"}
    return TrainingArguments(tempfile.mkdtemp(), **fixed, **quiet, **options)


def token_figures(count: int) -> tuple[int, float]:
    """Tokens of the rows, and tokens of all label texts together."""
    from tasks.core.encoder import load_encoder
    from tasks.core.labels import label_text

    tokenizer = load_encoder(device="cpu").tokenizer
    labels = json.loads((EVENTS / "labels.json").read_text(encoding="utf-8"))["maven"]
    texts = [row["text"] for row in sample_rows(count)]
    both = ([label_text(name, text) for name, text in labels.items()], [label_text(name) for name in labels])
    full, bare = (sum(map(len, tokenizer(each, truncation=True, max_length=64)["input_ids"])) for each in both)
    return sum(map(len, tokenizer(texts)["input_ids"])), 0.7 * full + 0.3 * bare


def report(figures: dict[str, Figures], rows: int, tokens: int, label_tokens: float) -> str:
    """The measured table."""
    lines = []
    for name, each in figures.items():
        encoded = tokens + (-(-rows // BATCH) * label_tokens if name == CONTENDERS[0] else 0)
        more = "" if name == CONTENDERS[1] else f"{encoded / each.median():,.0f}"
        seconds = f"{1000 * each.median_cpu() / rows:.1f}"
        lines.append([name, f"{tokens / each.median():,.0f}", more, seconds, f"{each.memory:,.0f}"])
    return table(["", "text tokens/s", "encoded tokens/s", "processor ms/row", "peak memory MB"], lines)


def main() -> None:
    """Measure and print."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--rows", type=int, default=256, help="rows of a pass")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--serve", choices=(*CONTENDERS, "tokens"), help=argparse.SUPPRESS)
    options = line.parse_args()
    if options.serve:
        import torch

        torch.set_num_threads(options.threads)
        samples = {CONTENDERS[0]: 0, CONTENDERS[1]: 24}
        loads = {name: lambda name=name: load_quipu(options.rows, samples[name]) for name in samples}
        serve({**loads, CONTENDERS[2]: lambda: load_stock(options.rows)}[options.serve])
        return
    figures = hold("tests.benchmarks.training", CONTENDERS, ["--rows", str(options.rows)], options.rounds, options.threads)
    print(report(figures, options.rows, *token_figures(options.rows)))


if __name__ == "__main__":
    main()
