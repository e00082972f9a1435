"""Tiny models built here, offline: two layers of width 32, with real tokenizers of each kind, saved as safetensors."""

from __future__ import annotations

import copy
import json
import socket
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    DebertaV2Config,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)
from transformers.utils import logging

from tasks.core.adapters import lora_config
from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder, load_encoder
from tasks.event_detection.task import CUSTOM, EventDetection, EventDetector, load
from tasks.event_detection.training import Options, Training
from tasks.opinion_analysis.training import Options as OpinionOptions
from tasks.opinion_analysis.training import Training as OpinionTraining

pytest.register_assert_rewrite("tests.events", "tests.markup", "tests.originals", "tests.pages", "tests.serving")
pytest_plugins = ["tests.finetuning", "tests.pages", "tests.catalogues"]  # its fixtures are those of many files
logging.disable_progress_bar()
LETTERS = string.ascii_lowercase + string.digits
WORDS = ["the", "a", "flood", "earthquake", "hit", "struck", "town", "people", "fled", "was", "in", "and", "school", "vote", "nurse"]
SIZE: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
SIZE |= {"max_position_embeddings": 64, "initializer_range": 0.3}  # far-apart states, so that scores differ
LABELS = {"Disaster": "a flood or an earthquake", "Motion": "someone goes or flees", "Voting": ""}
ROWS = [
    ("The flood hit the town.", [("Disaster", "flood"), ("Motion", "hit")]),
    ("An earthquake struck and people fled.", [("Disaster", "earthquake"), ("Motion", "fled")]),
    ("People in the school vote.", [("Voting", "vote")]),
    ("The nurse was in the town.", []),
]


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Nothing but this machine can be reached, and a test that tries fails; one that means to clears the list of attempts."""
    attempts: list[Any] = []
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def local(host: object) -> bool:
        return host in (None, "", "localhost", "::1", "0.0.0.0") or str(host).startswith("127.")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not local(address[0]):
            attempts.append(address)
            raise OSError("no network in tests")
        connect(self, address)

    def guarded_lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        if not local(host.decode() if isinstance(host, bytes) else host):
            attempts.append(host)
            raise socket.gaierror("no network in tests")
        return lookup(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)
    yield attempts
    assert not attempts, f"the network was tried: {attempts}"


def wordpiece() -> PreTrainedTokenizerFast:
    """BERT's: lower-cased words and punctuation, cut into pieces; words of more than 100 letters are unknown."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *LETTERS, *(f"##{letter}" for letter in LETTERS), *string.punctuation, *WORDS[2:]]
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    return wrapped(tokenizer, "[PAD] [UNK] [CLS] [SEP] [MASK]")


def bytelevel() -> PreTrainedTokenizerFast:
    """RoBERTa's and ModernBERT's: bytes in pairs, the space before a word is part of it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return wrapped(tokenizer, "<pad> <unk> <s> </s> <mask>")


def unigram() -> PreTrainedTokenizerFast:
    """DeBERTa-v3's: words end at white space only, and begin with it."""
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    pieces = [*special, "▁", *string.ascii_letters, *string.digits, *string.punctuation, *(f"▁{word}" for word in WORDS)]
    tokenizer = Tokenizer(models.Unigram([(piece, -4.0 + len(piece) / 8) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 1), ("[SEP]", 2)])
    return wrapped(tokenizer, "[PAD] [UNK] [CLS] [SEP] [MASK]")


def wrapped(tokenizer: Tokenizer, special: str) -> PreTrainedTokenizerFast:
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **dict(zip(names, special.split(), strict=True)))


def architecture(kind: str) -> tuple[PreTrainedTokenizerFast, Any]:
    """Tokenizer and configuration of one kind of encoder."""
    if kind == "bert":
        return (tokenizer := wordpiece()), BertConfig(vocab_size=len(tokenizer), **SIZE)
    if kind == "deberta":
        extra = {"relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"], "share_att_key": True}
        return (tokenizer := unigram()), DebertaV2Config(vocab_size=len(tokenizer), norm_rel_ebd="layer_norm", **extra, **SIZE)
    tokenizer = bytelevel()
    marks = {"vocab_size": len(tokenizer), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    if kind == "roberta":  # its first position is 2, so 64 positions hold 62 tokens
        return tokenizer, RobertaConfig(**marks, **SIZE)
    return tokenizer, ModernBertConfig(**marks, cls_token_id=0, sep_token_id=2, **SIZE)


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_model(kind="bert", auto=AutoModel, seed=0, **config)``: the folder of a model with random weights."""

    def build(kind: str = "bert", auto: Any = AutoModel, seed: int = 0, **config: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        tokenizer, settings = architecture(kind)
        settings.update(config)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            auto.from_config(settings).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return build


@pytest.fixture(scope="session")
def bert(make_model: Callable[..., Path]) -> Path:
    """The folder of a tiny BERT."""
    return make_model()


@pytest.fixture(scope="session", params=["bert", "roberta", "deberta", "modernbert"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of encoder in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def any_model(kind: str, make_model: Callable[..., Path]) -> Path:
    """The folder of a tiny encoder of each kind."""
    return make_model(kind)


@pytest.fixture(scope="session")
def any_encoder(any_model: Path) -> Encoder:
    """A tiny encoder of each kind."""
    return load_encoder(str(any_model))


@pytest.fixture(scope="session")
def encoder(bert: Path) -> Encoder:
    """The tiny BERT."""
    return load_encoder(str(bert))


@pytest.fixture(scope="session")
def default_encoder() -> Encoder:
    """The embedded default."""
    return load_encoder()


def event_rows() -> list[dict[str, Any]]:
    """Rows of event detection with the types of ``LABELS``."""
    return [{"text": text, "events": [event(text, *pair) for pair in events]} for text, events in ROWS]


def event(text: str, name: str, word: str) -> dict[str, Any]:
    start = text.index(word)
    return {"type": name, "trigger": {"start": start, "end": start + len(word), "text": word}, "arguments": []}


def message_rows() -> list[dict[str, Any]]:
    """Rows of whole messages."""
    return [{"text": text, "type": events[0][0] if events else "Not labeled"} for text, events in ROWS]


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_adapter(base, unit="word", method="lora", seed=0)``: the folder of an adapter with random weights, none zero."""

    def build(base: Path | str | None, unit: str = "word", method: str = "lora", seed: int = 0) -> Path:
        folder = tmp_path_factory.mktemp("adapter")
        labels = tmp_path_factory.mktemp("labels") / "labels.json"
        labels.write_text(json.dumps({"tiny": LABELS, "other": {"Teaching": "someone teaches"}}), encoding="utf-8")
        encoder = load_encoder(None if base is None else str(base))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network: Any = copy.deepcopy(encoder.model)
            if method == "lora":
                network = get_peft_model(network, lora_config(4, 8, 0.0))
            rows = event_rows() if unit == "word" else message_rows()
            files = [
                ("tiny.jsonl", rows),
                ("other.jsonl", [{"text": "a nurse taught", "events": [event("a nurse taught", "Teaching", "taught")]}]),
            ]
            training = Training(encoder, network, Options(unit=unit, label_file=str(labels)), files, seed)
            shake(training.model)
        fitted = Calibration(temperature=4.0, threshold=0.5, thresholds={"Motion": 0.4})
        training.settings = replace(training.settings, calibration={training.default: fitted, CUSTOM: fitted})
        training.save(folder, method, {})
        return folder

    return build


def shake(model: Any) -> None:
    """Move the weights of the head and of LoRA away from where they start."""
    with torch.no_grad():
        for weight in [*model.head.parameters(), *(p for name, p in model.encoder.named_parameters() if "lora_" in name)]:
            weight.add_(torch.randn_like(weight) * 0.1)
    model.eval()


@pytest.fixture(scope="session")
def make_opinions(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_opinions(base, seed=0)``: the folder of an adapter for opinions, LoRA of rank 4 with random weights, none zero."""

    def build(base: Path | str, seed: int = 0) -> Path:
        folder, encoder = tmp_path_factory.mktemp("opinions"), load_encoder(str(base))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network: Any = get_peft_model(copy.deepcopy(encoder.model), lora_config(4, 8, 0.0))
            training = OpinionTraining(encoder, network, OpinionOptions(), [("a.jsonl", [{"text": "a", "polarity": "neutral"}])], seed)
            shake(training.model)
        training.save(folder, "lora", {})
        return folder

    return build


@pytest.fixture(scope="session")
def adapter(bert: Path, make_adapter: Callable[..., Path]) -> Path:
    """The folder of an adapter for triggers over the tiny BERT."""
    return make_adapter(bert)


@pytest.fixture(scope="session")
def tiny(bert: Path, adapter: Path) -> EventDetection:
    """Triggers, by the tiny BERT and an adapter."""
    return as_detection(load(str(bert), str(adapter)))


@pytest.fixture(scope="session")
def tiny_messages(bert: Path, make_adapter: Callable[..., Path]) -> EventDetection:
    """Whole messages, by the tiny BERT and an adapter."""
    return as_detection(load(str(bert), str(make_adapter(bert, unit="message", seed=1))))


def as_detection(detector: EventDetector) -> EventDetection:
    assert isinstance(detector, EventDetection)
    return detector


@pytest.fixture(scope="session")
def make_classifier(make_model: Callable[..., Path]) -> Callable[..., Path]:
    """``make_classifier(labels, per="word" or "message", kind="bert")``: the folder of a ready-made classifier."""

    def build(labels: list[str], per: str = "word", kind: str = "bert") -> Path:
        auto = AutoModelForTokenClassification if per == "word" else AutoModelForSequenceClassification
        return make_model(kind, auto, id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)})

    return build


@pytest.fixture(scope="session")
def shipped() -> EventDetection:
    """The shipped adapter for triggers."""
    return as_detection(load(adapter="shipped"))


@pytest.fixture(scope="session")
def shipped_crisis() -> EventDetection:
    """The shipped adapter for messages in a disaster."""
    return as_detection(load(adapter="crisis"))
