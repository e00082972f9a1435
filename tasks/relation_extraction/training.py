"""Training of relation extraction: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import FileError, InputError
from tasks.core.metrics import macro_f1
from tasks.relation_extraction.data import Row, check_rows, count_endpoints, given_entities, gold_relations, is_choice, told_labels
from tasks.relation_extraction.decode import Settings
from tasks.relation_extraction.entities.training import EntityTraining
from tasks.relation_extraction.features import Collator, features
from tasks.relation_extraction.fitting import fit, fit_choice, told
from tasks.relation_extraction.measures import given_scores, is_behaviour
from tasks.relation_extraction.model import RelationHead, RelationModel, check_reads_pairs
from tasks.relation_extraction.priors import count_priors
from tasks.relation_extraction.scoring import Candidate, RelationScorer

PARTS = ("entities", "relations")
DRAWS = 40  # sets of unseen relations to choose among, for each size
UNSEEN_SIZES = (5, 10, 15)
Files = Sequence[tuple[str, list[Row]]]


@dataclass
class Options:
    """Settings of relation extraction."""

    part: str = field(default="relations", metadata={"help": "what is trained: 'relations', or the 'entities' that they hold between"})
    head_dropout: float = field(default=0.1, metadata={"help": "dropout before the head's layers"})
    lower_cased: float = field(default=0.1, metadata={"help": "entities: rows to add without their capitals, a share of the rows"})
    label_file: str | None = field(default=None, metadata={"help": "relations: JSON, label set -> relation -> description"})
    hide_descriptions: float = field(default=0.3, metadata={"help": "relations: share of batches that read bare names, all of a set"})
    label_sample: int = field(
        default=12, metadata={"help": "relations: labels of a set, beside the gold ones, that other batches read; 0: all"}
    )
    hold_out_types: int = field(
        default=0, metadata={"help": "relations of the first choice file left out of training, to measure unseen ones"}
    )

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise InputError(f"--part must be one of {', '.join(PARTS)}, not {self.part!r}.")
        if self.hold_out_types < 0:
            raise InputError(f"--hold_out_types must be 0 or more, not {self.hold_out_types}.")
        for name in ("lower_cased", "hide_descriptions"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name} must be a share from 0 to 1, not {getattr(self, name)}.")


class Training:
    """The part that the options name."""

    options_class = Options
    metric = "score"

    def __new__(cls, encoder: Encoder, network: nn.Module, options: Options, train: Files, seed: int) -> Any:
        """The training of that part."""
        part = EntityTraining if options.part == "entities" else RelationTraining
        return part(encoder, network, options, train, seed)


class RelationTraining:
    """Data, model and evaluation of one run. Rows say themselves what they know: of one pair, of some relations, of all."""

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Files, seed: int) -> None:
        check_reads_pairs(encoder.model.config, encoder.name)
        self.encoder, self.declared = encoder, read_label_file(options.label_file)
        self.train_rows = [(source, check_rows(rows, source)) for source, rows in train]
        self.held_out = self._hold_out(options.hold_out_types, seed)
        self.unseen_rows = [row for _, rows in self.train_rows if is_choice(rows) for row in rows if self._is_unseen(row)]
        self.sets = {source: self._labels(rows) for source, rows in self.train_rows}
        self.dataset: list[dict[str, Any]] = []
        for source, rows in self.train_rows:
            self.dataset += features(encoder, rows, source, self.sets[source])
        if not self.dataset:
            raise InputError("The training files hold no rows with two entities.")
        choice = all(is_choice(rows) for _, rows in self.train_rows)
        labels = {name: text for source, rows in self.train_rows if not has_own_labels(rows) for name, text in self.sets[source].items()}
        ends = count_endpoints(row for _, rows in self.train_rows for row in rows)
        priors = count_priors((rows for _, rows in self.train_rows if not is_choice(rows)), labels)
        kept = {name: ends[name] for name in labels if name in ends}
        self.settings = Settings(labels or self._all_labels(), kept, {}, choice, {} if choice else priors)
        self.model = RelationModel(network, RelationHead(encoder.width, options.head_dropout))
        self.collate = Collator(encoder, self.sets, options.label_sample, options.hide_descriptions, seed)

    def _hold_out(self, count: int, seed: int) -> set[str]:
        chosen: list[list[Row]] = [rows for _, rows in self.train_rows if is_choice(rows)]
        if not count:
            return set()
        names = sorted({name for row in (chosen or [[]])[0] for _, _, name in gold_relations(row)})
        if count >= len(names):
            raise InputError(f"--hold_out_types must leave some of the {len(names)} relations of the first choice file to train on.")
        return set(Random(seed).sample(names, count))

    def _is_unseen(self, row: Row) -> bool:
        return any(name in self.held_out for _, _, name in gold_relations(row))

    def _labels(self, rows: Sequence[Row]) -> dict[str, str]:
        """The relations that a file knows of and that are trained on, with their descriptions."""
        told = {name: text for row in rows for name, text in (told_labels(row) or {}).items()}
        found = {name: "" for row in rows for _, _, name in gold_relations(row)} | told
        return {name: found[name] or self._describe(name) for name in sorted(set(found) - self.held_out)}

    def _describe(self, name: str) -> str:
        return next((labels[name] for labels in self.declared.values() if name in labels), "")

    def _all_labels(self) -> dict[str, str]:
        return {name: text for labels in self.sets.values() for name, text in labels.items()}

    def scorer(self) -> RelationScorer:
        """The model as it is now."""
        network: Any = self.model.encoder
        return RelationScorer(self.encoder.with_model(network), self.model.head)

    def evaluate(self, validation: Files) -> dict[str, float]:
        """The main figure of each file, with scores fitted on these; ``score`` is their mean."""
        self.calibrate(validation)
        table = self.final_scores(validation)
        best = {
            f"{Path(name).name.split('.')[0]}_{key}": each[key]
            for name, each in table.items()
            for key in ("given_f1", "macro_f1")
            if key in each
        }
        return {"score": sum(best.values()) / max(len(best), 1), **best}

    def calibrate(self, validation: Files) -> None:
        """Fit the scores on all validation files; behaviour rows are for scores alone."""
        scorer = self.scorer()
        labels = {name: text for _, rows in validation for name, text in self._labels(rows).items()} | dict(self.settings.labels)
        self._names: list[str] = list(labels)
        self._found: dict[str, list[list[Candidate]]] = {}
        for source, rows in validation:
            entities = [given_entities(row) for row in check_rows(rows, source)]
            self._found[source] = scorer([row["text"] for row in rows], entities, labels, self.settings.endpoints)
        measured = [(source, rows) for source, rows in validation if not is_behaviour(rows)]
        if self.settings.choice:
            if not measured:
                raise InputError("The validation files hold nothing to choose by: give rows of the kind that is trained on.")
            source, rows = measured[0]
            self.settings = fit_choice(rows, self._found[source], self._names, self.settings)
        else:
            files = [(rows, self._found[source]) for source, rows in measured if not is_choice(rows)]
            self.settings = fit(files, self._names, self.settings)

    def final_scores(self, validation: Files) -> dict[str, dict[str, float]]:
        """Scores of each validation file with given entities, and of choosing among unseen relations."""
        table = {}
        for source, rows in validation:
            found = self._found[source]
            table[Path(source).name] = given_scores(rows, found, told(found, self._names, self.settings), self._names)
        if self.held_out:
            rows = self.unseen_rows + [row for _, rows in validation if is_choice(rows) for row in rows if self._is_unseen(row)]
            table["relations left out of training"] = self._unseen_scores(rows)
        return table

    def _unseen_scores(self, rows: Sequence[Row]) -> dict[str, float]:
        """Macro-F1 of choosing the relation of a given pair among 5, 10 and 15 of those left out, the mean of ``DRAWS`` draws."""
        names = sorted(self.held_out)
        labels = {name: self._describe(name) for name in names}
        found = self.scorer()([row["text"] for row in rows], [given_entities(row) for row in rows], labels, {})
        pairs = []
        for row, candidates in zip(rows, found, strict=True):
            ((head, tail, name),) = gold_relations(row)
            pairs.append((name, {names[each.label]: each.logit for each in candidates if (each.head, each.tail) == (head, tail)}))
        figures = {}
        for size in UNSEEN_SIZES:
            draw, total = Random(size), 0.0
            for _ in range(DRAWS):
                some = draw.sample(names, min(size, len(names)))
                asked = [(name, logits) for name, logits in pairs if name in some]
                best = [max(some, key=lambda each, logits=logits: logits.get(each, -99.0)) for _, logits in asked]  # type: ignore[misc]
                total += macro_f1(best, [name for name, _ in asked], some)
            figures[f"unseen_{size}_macro_f1"] = total / DRAWS
        return figures

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        about = {"task": "relation-extraction", "part": "relations", "method": method, "base": base}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, {**about, **asdict(self.settings), **extra})

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)


def has_own_labels(rows: Sequence[Row]) -> bool:
    """Whether each row lists the relations that it knows of."""
    return bool(rows) and all("labels" in row for row in rows)


def read_label_file(path: str | None) -> Mapping[str, Mapping[str, str]]:
    """Label sets of a JSON file, ``{}`` where there is none."""
    if path is None:
        return {}
    try:
        sets: dict[str, dict[str, str]] = json.loads(Path(path).read_text(encoding="utf-8"))
        return {key: {name: str(text or "") for name, text in labels.items()} for key, labels in sets.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise FileError(f"--label_file {path!r} is not a JSON object of label set -> relation -> description: {error}") from error
