"""Tiny catalogues with users who read on in them, a recommender over a tiny encoder, and a cache folder of the tests' own.

``conftest.py`` makes the fixtures known to every test.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from tests.finetuning import Fit, Flags, save_rows

if TYPE_CHECKING:
    from tasks.core.encoder import Encoder
    from tasks.recommendation.training import Training

Row = dict[str, Any]
KINDS = ["flood", "school", "vote"]
EACH = 8  # items of a kind
SIZE = EACH * len(KINDS)
ADJECTIVES = ["old", "red", "wide", "cold", "tall", "lost", "dark", "new"]
ITEMS: list[Row] = [
    {
        "item_id": f"{kind}-{number}",
        "title": f"The {adjective} {kind}",
        "creators": [f"A {kind} person"],
        "year": 1960 + number,
        "tags": [kind, "town"][: 1 + number % 2],
        "description": f"People {adjective} in the {kind}." if number % 3 else "",
    }
    for kind in KINDS
    for number, adjective in enumerate(ADJECTIVES)
]
FOREIGN: list[Row] = [{"item_id": f"x{n}", "title": f"Nurse {n}", "tags": ["nurse", f"struck {n % 3}"]} for n in range(10)]


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache folder of this process and of those that it starts: never the user's, but for the browser that may lie in it."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    with pytest.MonkeyPatch.context() as patch:
        if "PLAYWRIGHT_BROWSERS_PATH" not in os.environ:
            patch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(usual / "ms-playwright"))
        patch.setenv("XDG_CACHE_HOME", str(folder := tmp_path_factory.mktemp("cache")))
        yield folder


def rated(users: int, seed: int = 0) -> list[Row]:
    """Ratings of users who each read one kind in its order, from somewhere on, and disliked an item of another kind at first."""
    draw, rows = random.Random(seed), []
    for number in range(users):
        kind, begin = draw.randrange(len(KINDS)), draw.randrange(EACH)
        disliked = ((kind + 1) % len(KINDS)) * EACH + draw.randrange(EACH)
        places = [kind * EACH + (begin + step) % EACH for step in range(6)]
        for place, rating in [(disliked, 1.0), *((place, draw.choice([4.0, 5.0])) for place in places)]:
            rows.append({"user_id": f"u{seed}-{number}", "item_id": ITEMS[place]["item_id"], "rating": rating})
    return rows


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files: ``items.jsonl``, ``foreign.jsonl``, and ratings, ``train.jsonl`` and ``dev.jsonl``."""
    folder = tmp_path_factory.mktemp("shelf")
    rows = {"items.jsonl": ITEMS, "foreign.jsonl": FOREIGN, "train.jsonl": rated(24), "dev.jsonl": rated(9, seed=1)}
    return {name: save_rows(folder / name, some) for name, some in rows.items()}


@pytest.fixture
def recommending(encoders: dict[str, str], shelf: dict[str, str], settings: Flags) -> Flags:
    """Settings of a run of six steps over the tiny catalogue, evaluated and saved after every two."""
    ours: Flags = {"task": "recommendation", "label_file": None, "catalogue_file": shelf["items.jsonl"], "method": "head"}
    ours |= {"train_file": shelf["train.jsonl"], "validation_file": shelf["dev.jsonl"], "hidden": 16, "layers": 1}
    return settings | ours | {"learning_rate": 5e-3}


@pytest.fixture
def fit_recommender(fit: Fit, recommending: Flags) -> Fit:
    """Train through the command line, with ``changes`` to the settings; the trainer as it is afterwards."""
    return lambda **changes: fit(**recommending | changes)


@pytest.fixture(scope="session")
def make_training(shelf: dict[str, str]) -> Callable[..., Training]:
    """``make_training(encoder, method="head", seed=0, train=None, **options)``: a run that is yet to begin, without dropout."""
    from peft import get_peft_model

    from tasks.core.adapters import lora_config
    from tasks.recommendation.training import Options, Training

    def build(encoder: Encoder, method: str = "head", seed: int = 0, train: list[Row] | None = None, **options: Any) -> Training:
        given: dict[str, Any] = {"catalogue_file": [shelf["items.jsonl"]], "hidden": 16, "layers": 1, "head_dropout": 0.0} | options
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network: Any = copy.deepcopy(encoder.model)
            if method == "lora":
                network = get_peft_model(network, lora_config(4, 8, 0.0))
            elif method == "full":
                network.requires_grad_(True)
            return Training(encoder, network, Options(**given), [("train.jsonl", rated(24) if train is None else train)], seed)

    return build


@pytest.fixture(scope="session")
def recommender_adapter(encoder: Encoder, make_training: Callable[..., Training], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a recommender's adapter over the tiny BERT, its head shaken a little."""
    folder, training = tmp_path_factory.mktemp("recommender"), make_training(encoder)
    shake_head(training.model.head, size=0.02)
    training.save(folder, "head", {})
    return folder


def shake_head(head: Any, seed: int = 0, size: float = 0.1) -> None:
    """Move all weights of a head away from where they start."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in head.parameters():
            weight.add_(torch.randn(weight.shape, generator=draw) * size)
    head.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Drawn numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
