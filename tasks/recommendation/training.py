"""Training of recommendation: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.data import Collator, pieces
from tasks.recommendation.evaluation import stock_scores, withheld_scores
from tasks.recommendation.fitting import fit, weighed
from tasks.recommendation.measures import given_and_later
from tasks.recommendation.model import HistoryHead, RecommenderModel
from tasks.recommendation.ratings import Interactions, read_ratings
from tasks.recommendation.scoring import Taste, Weights
from tasks.recommendation.stock import Embed, Stock, item_fields, item_vectors, settled
from tasks.recommendation.store import Progress, default_folder, open_store, quiet

Row = dict[str, Any]
Files = Sequence[tuple[str, list[Row]]]


@dataclass
class Options:
    """Settings of recommendation."""

    catalogue_file: list[str] = field(
        default_factory=list, metadata={"help": "items that are rated; further files: items of other kinds, that texts are read for too"}
    )
    lowest_rating: float = field(default=0.5, metadata={"help": "lowest rating of the scale"})
    highest_rating: float = field(default=5.0, metadata={"help": "highest rating of the scale"})
    negatives: int = field(default=2048, metadata={"help": "items drawn a batch to tell the next one from; with --method lora take 64"})
    hidden: int = field(default=128, metadata={"help": "width of the Transformer over histories"})
    layers: int = field(default=2, metadata={"help": "its layers"})
    head_dropout: float = field(default=0.2, metadata={"help": "its dropout"})
    withhold_items: float = field(default=0.0, metadata={"help": "share of the items that training never sees, to be measured on"})

    def __post_init__(self) -> None:
        if not self.catalogue_file:
            raise InputError("There is no catalogue: give --catalogue_file, the items that the rows rate.")
        if not 0 <= self.withhold_items <= 0.5:
            raise InputError(f"--withhold_items must be from 0 to 0.5, not {self.withhold_items}.")
        if self.negatives < 1 or self.layers < 1 or self.hidden < 4 or self.hidden % 4:
            raise InputError("--negatives and --layers must be at least 1, and --hidden a multiple of 4.")


class Training:
    """Data, model and evaluation of one run."""

    options_class = Options
    metric = "score"

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Files, seed: int) -> None:
        self.encoder, self.options, self.train_rows = encoder, options, list(train)
        self.scale = options.lowest_rating, options.highest_rating
        self.catalogue, *others = [Catalogue(read_items(path)) for path in options.catalogue_file]
        self.store: Embed = open_store(encoder, default_folder())
        head = HistoryHead(encoder.width, options.hidden, options.layers, options.head_dropout)
        head.projection.fit([item_fields(each.items, self.store, quiet) for each in (self.catalogue, *others)])
        self.learns = any(weight.requires_grad for weight in network.parameters())
        vectors = None if self.learns else item_vectors(self.catalogue.items, self.store, head, quiet)
        size = len(self.catalogue)
        self.withheld = np.zeros(size, bool)
        self.withheld[np.random.default_rng(seed).permutation(size)[: round(options.withhold_items * size)]] = True
        self.ratings = shown(read_ratings([row for _, rows in train for row in rows], self.catalogue, self.scale), self.withheld)
        self.dataset = pieces(self.ratings)
        if not self.dataset:
            raise InputError("No user of the training files has five ratings: there is nothing to learn from.")
        self.collate = Collator(encoder, self.catalogue, vectors, np.flatnonzero(~self.withheld), options.negatives)
        self.model = RecommenderModel(network, head)
        self.weights = Weights()

    def evaluate(self, validation: Files) -> dict[str, float]:
        """NDCG@10 of each file; ``score`` is their mean."""
        self.calibrate(validation)
        found = {Path(name).name.split(".")[0]: each["ndcg_at_10"] for name, each in self.final_scores(validation).items()}
        return {"score": sum(found.values()) / max(len(found), 1), **found}

    def calibrate(self, validation: Files) -> None:
        """Fit the weights and the scores on all validation files."""
        self._users = {source: self._histories(rows) for source, rows in validation}
        network: Any = self.model.encoder
        embed = _reader(self.encoder.with_model(network)) if self.learns else self.store
        head = settled(self.model.head, self.catalogue.items, embed, quiet) if self.learns else self.model.head  # as it will be loaded
        stock = Stock.make(self.catalogue, self.ratings, embed, head, self.weights, default_folder() / "ratings", quiet)
        tastes = [taste for some, _ in self._users.values() for taste in some]
        self.weights = fit(stock, tastes, [each for _, some in self._users.values() for each in some])
        self._stock = weighed(stock, self.weights)

    def final_scores(self, validation: Files) -> dict[str, dict[str, float]]:
        """Scores of each validation file; with withheld items, those of finding them, too."""
        scores = {}
        for source, (tastes, later) in self._users.items():
            figures = stock_scores(self._stock, tastes, later)
            if self.withheld.any():
                figures |= withheld_scores(self._stock, tastes, later, self.withheld)
            scores[Path(source).name] = figures
        return scores

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        shape = {"hidden": self.options.hidden, "layers": self.options.layers}
        about = {"task": "recommendation", "method": method, "base": base, "shape": shape, "weights": asdict(self.weights)}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, {**about, **extra})

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint, or from another run, whose catalogue may have had its middle elsewhere."""
        projection = self.model.head.projection
        mean, foreign = projection.mean.clone(), projection.foreign.clone()
        load_head(self.model.head, folder)
        projection.mean.copy_(mean)
        projection.foreign.copy_(foreign)
        if not self.learns:
            self.collate.vectors = item_vectors(self.catalogue.items, self.store, self.model.head, quiet).cpu()

    def _histories(self, rows: list[Row]) -> tuple[list[Taste], list[set[int]]]:
        return given_and_later(read_ratings(rows, self.catalogue, self.scale))


def shown(ratings: Interactions, withheld: NDArray[np.bool_]) -> Interactions:
    """The ratings without those of withheld items."""
    kept = ~withheld[ratings.items]
    counts = np.concatenate([[0], np.cumsum(kept)])
    return replace(ratings, start=counts[ratings.start], items=ratings.items[kept], strength=ratings.strength[kept])


def _reader(encoder: Encoder) -> Embed:
    """Embeddings by weights that change from step to step, so nothing is kept."""

    def embed(texts: Sequence[str], progress: Progress) -> Tensor:
        return encoder.embed(texts).cpu()

    return embed
