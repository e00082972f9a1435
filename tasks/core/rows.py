"""Training rows are checked before hours are spent on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tasks.core.errors import InputError

Row = dict[str, Any]


def check_rows(rows: Iterable[Row], source: str, task: str, problem: Callable[[Row], str | None]) -> list[Row]:
    """The rows of ``source``, each with a text; ``problem`` says what is wrong with one, None where it fits ``task``.

    Raises ``InputError`` naming the first bad row.
    """
    checked = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("text"), str):
            raise InputError(f'Row {number} of {source} has no "text".')
        try:
            wrong = problem(row)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"Row {number} of {source} is no row of {task}: {error!r} is missing or wrong.") from error
        if wrong:
            raise InputError(f"Row {number} of {source} {wrong}.")
        checked.append(row)
    return checked
