"""Relation extraction from raw text beside the ``gliner`` package's architecture for it, and how ours grows with the text.

    pip install --no-deps gliner==0.2.29
    python -m tests.benchmarks.relations --threads 2 --texts 64

(``gliner`` asks for an older transformers than ours, and runs on ours; ``sentencepiece``, which it asks for too, it does
not need here.) Contenders take turns, each in a process of its own: ours, with the entities and the default relations;
and gliner's joint model of entities and relations, token by token and with all ordered pairs of mentions ("relex", as
its base size of 2026), in its own batches of 8, with the same six types and the same relations' names before each text.

Its weights are drawn, not trained, so only its time means something. Its encoder has the shape of DeBERTa-v3-small, or
of ours with ``--peer-encoder minilm``; its tokenizer is ours. What drawn weights would find is chance. So its scores of
words are computed, and then replaced by those of a one-word mention as often as the sample rows have mentions; all pairs
of these are scored against all relations; no relation is kept, which spares it the last step. Its first answer draws the
weights, ours reads them. It cuts texts at 384 words, so the growth with the text is measured of ours alone.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table
from tests.benchmarks.mix import TASKS, texts

TASK = "relation_extraction"
CONTENDERS = ("quipu", "gliner")
GROWTH = {f"{times}x": 200 * times for times in (1, 2, 4, 8, 16)}  # words
TYPES = ["person", "organisation", "location", "time", "number", "miscellaneous"]
TOKENS = 1024  # that gliner may read at once: the types' and relations' names, and a text
SURE = 9.0  # logit of a planted mention
INSTALL = "The peer is missing: pip install --no-deps gliner==0.2.29 (it asks for an older transformers, and runs on ours)."
ENCODERS: dict[str, dict[str, Any]] = {
    "deberta": {  # DeBERTa-v3-small
        "model_type": "deberta-v2",
        "vocab_size": 128_100,
        "hidden_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "minilm": {  # all-MiniLM-L6-v2, with gliner's three tokens and room for the names
        "model_type": "bert",
        "vocab_size": 30_522 + 3,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "max_position_embeddings": TOKENS,
    },
}


def documents(count: int) -> list[str]:
    """The texts of the mix, their lengths in words: the same for any tokenizer."""
    return texts(count, lambda word: 1, task=TASK)


def growing(words: int) -> str:
    """One text of so many words; a longer one begins with the shorter ones."""
    return " ".join(" ".join(documents(128)).split()[:words])


def words_a_mention() -> int:
    """How many words of the sample rows there are for each mention."""
    with open(TASKS / TASK / "sample" / "train.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    mentions = sum(len(entity.get("mentions", [entity])) for row in rows for entity in row["entities"])
    return round(sum(len(row["text"].split()) for row in rows) / mentions)


def load_quipu(read: list[str], options: argparse.Namespace) -> Work:
    """Our pipeline with trained adapters: untrained ones would find other amounts of entities."""
    from tasks import pipeline

    extract = pipeline("relation-extraction", adapter=options.adapter, device="cpu")
    extract(read[0])

    def work() -> None:
        extract(read)

    return work


def load_gliner(read: list[str], options: argparse.Namespace) -> Work:
    """The peer, asked for the relations that our adapter looks for."""
    from tasks.core.adapters import find_adapter, read_settings

    relations = list(read_settings(find_adapter(TASKS / TASK, options.adapter, None), "relation-extraction")["labels"])
    model = peer(ENCODERS[options.peer_encoder])
    model.inference(read[:1], TYPES, relations=relations, relation_threshold=1.0)

    def work() -> None:
        model.inference(read, TYPES, relations=relations, relation_threshold=1.0)

    return work


def peer(encoder: dict[str, Any]) -> Any:
    """gliner's model with drawn weights over an encoder of this shape."""
    from tasks.core.encoder import default_folder

    shape = {"encoder_config": dict(encoder), "hidden_size": encoder["hidden_size"], "relations_layer": "none"}
    tokens_from = str(default_folder())
    config = import_module("gliner.config").UniEncoderTokenRelexConfig(model_name=tokens_from, **shape)
    model = import_module("gliner.model").UniEncoderTokenRelexGLiNER(config).eval()
    tokenizer = model.data_processor.transformer_tokenizer
    tokenizer.add_tokens([config.ent_token, config.sep_token, config.rel_token])
    tokenizer.model_max_length = TOKENS
    model.set_class_indices()
    step = words_a_mention()
    model.model.scorer.register_forward_hook(lambda _, states, scores: plant(scores, states[0], step))
    return model


def plant(scores: Any, words: Any, step: int) -> Any:
    """Scores of the shape of ``scores`` (texts, words, types, 3: starts, ends, is inside) that make every ``step``-th word
    a mention of the first type. ``words`` (texts, words, width): their states, zero where a text has ended."""
    planted = scores.new_full(scores.shape, -SURE)
    planted[:, ::step, 0][words[:, ::step].any(-1)] = SURE
    return planted


def report(figures: dict[str, Figures], count: int) -> str:
    """The measured table and the ratio."""
    rows = []
    for name, each in figures.items():
        speed = [f"{count / each.median():,.1f}", f"{1000 * each.median_cpu() / count:.1f}"]
        rows.append([name, *speed, f"{each.memory:,.0f}", f"{each.first:.1f}"])
    ours, other = (figures[name] for name in CONTENDERS)
    wall, cpu = other.median() / ours.median(), other.median_cpu() / ours.median_cpu()
    head = ["", "documents/s", "processor ms/document", "peak memory MB", "first answer s"]
    return f"{table(head, rows)}\n\nOurs: {wall:.2f} times gliner's documents/s (in processor time {cpu:.2f})."


def report_growth(figures: dict[str, Figures], amounts: dict[str, tuple[int, int]]) -> str:
    """Time and memory of one text of each length; ``amounts``: entities and relations found in it."""
    rows = []
    for name, each in figures.items():
        seconds, found = each.median(), [f"{amount:,}" for amount in amounts[name]]
        rows.append([f"{GROWTH[name]:,}", *found, f"{seconds:.2f}", f"{1000 * seconds / GROWTH[name]:.2f}", f"{each.memory:,.0f}"])
    return table(["words", "entities", "relations", "s", "ms/word", "peak memory MB"], rows)


def amounts_found(read: list[str], adapter: str) -> list[tuple[int, int, int]]:
    """Mentions, entities and relations that ours finds in each text."""
    from tasks import pipeline

    results = pipeline("relation-extraction", adapter=adapter, device="cpu")(read)
    return [(sum(len(entity.mentions) for entity in each.entities), len(each.entities), len(each.relations)) for each in results]


def parse() -> argparse.Namespace:
    """The command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--texts", type=int, default=64, help="how many texts a turn reads")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--adapter", default="shipped", help="ours: a shipped adapter's name or a folder")
    line.add_argument("--peer-encoder", default="deberta", choices=ENCODERS, help="gliner's: the shape of DeBERTa-v3-small or of ours")
    line.add_argument("--serve", choices=(*CONTENDERS, *GROWTH), help=argparse.SUPPRESS)
    return line.parse_args()


def compete(options: argparse.Namespace) -> None:
    """A contender's own process."""
    import torch

    torch.set_num_threads(options.threads)
    read = [growing(GROWTH[options.serve])] if options.serve in GROWTH else documents(options.texts)
    load = load_gliner if options.serve == "gliner" else load_quipu
    serve(lambda: load(read, options))


def main() -> None:
    """Measure and print; what was found is counted last, as the parent of a contender must be small."""
    options = parse()
    if options.serve:
        compete(options)
        return
    if find_spec("gliner") is None:
        raise SystemExit(INSTALL)
    arguments = ["--texts", str(options.texts), "--adapter", options.adapter, "--peer-encoder", options.peer_encoder]
    module, read = "tests.benchmarks.relations", documents(options.texts)
    beside = hold(module, CONTENDERS, arguments, options.rounds, options.threads)
    growth = hold(module, list(GROWTH), arguments, options.rounds, options.threads)
    mentions, entities, relations = map(sum, zip(*amounts_found(read, options.adapter), strict=True))
    found = amounts_found([growing(words) for words in GROWTH.values()], options.adapter)
    words = sum(len(text.split()) for text in read)
    print(report(beside, options.texts))
    print(f"In {words:,} words ours found {mentions:,} mentions of {entities:,} entities, and {relations:,} relations;", end=" ")
    print(f"gliner was given a mention every {words_a_mention()} words.\n")
    print(report_growth(growth, {name: each[1:] for name, each in zip(GROWTH, found, strict=True)}))


if __name__ == "__main__":
    main()
