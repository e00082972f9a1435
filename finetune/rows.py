"""Rows for training and development: of files, or from the Hub through ``datasets``."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.config import FinetuneArguments
from tasks.core.errors import FileError
from tasks.core.files import Row, read_rows

Sources = list[tuple[str, list[Row]]]


def read_splits(ours: FinetuneArguments) -> tuple[Sources, Sources]:
    """(name, rows) of each training and of each validation source."""
    train = [(path, read_rows(path, ours.max_rows)) for path in ours.train_file]
    validation = [(path, read_rows(path, ours.max_rows)) for path in ours.validation_file]
    if ours.dataset_name:
        train.append((ours.dataset_name, _from_hub(ours, ours.train_split)))
        if not validation:
            validation.append((ours.dataset_name, _from_hub(ours, ours.validation_split)))
    if ours.dev_share:
        validation += [(source, divide(rows, ours.dev_share)[1]) for source, rows in train]
        train = [(source, divide(rows, ours.dev_share)[0]) for source, rows in train]
    return hold_out(train, validation, ours.hold_out)


def divide(rows: list[Row], share: float) -> tuple[list[Row], list[Row]]:
    """Training rows, and every 1/share-th row for development: for data sets without a development split."""
    step = round(1 / share)
    return [row for number, row in enumerate(rows) if number % step], rows[::step]


def hold_out(train: Sources, validation: Sources, chosen: Sequence[str]) -> tuple[Sources, Sources]:
    """With ``FIELD=VALUE`` conditions: training loses all rows that meet one, and these alone are the validation rows.

    For a score on what training never saw: whole disasters, domains, documents.
    """
    if not chosen:
        return train, validation

    def held(row: Row) -> bool:
        return any(str(row.get(field)) == value for field, _, value in (each.partition("=") for each in chosen))

    rows = [row for _, group in [*train, *validation] for row in group if held(row)]
    if not rows:
        raise FileError(f"No row meets --hold_out {' '.join(chosen)}: check the field and its values.")
    return [(source, [row for row in group if not held(row)]) for source, group in train], [("held out", rows)]


def _from_hub(ours: FinetuneArguments, split: str) -> list[Row]:
    from datasets import load_dataset

    try:
        data = load_dataset(str(ours.dataset_name), ours.dataset_config_name, revision=ours.dataset_revision, split=split)
    except Exception as error:  # as above, and the network
        raise FileError(f"Split {split!r} of {ours.dataset_name!r} can't be loaded: {' '.join(str(error).split())[:200]}") from error
    return [dict(row) for row in data][: ours.max_rows]
