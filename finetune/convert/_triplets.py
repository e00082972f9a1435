"""Lines of a tokenized text and its triplets, ``text####[([1, 2], [4], 'POS')]``, as rows with exact offsets.

Both data sets of this layout give tokens with a space between them and no plain text, so the tokens are joined with
natural spacing. A place is one token, all tokens of a phrase, or its first and its last one; ``[-1]`` is no place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, lines, located
from finetune.convert._sentence import Sentence
from tasks.core.types import Span

_BETWEEN = "####"
_POLARITIES = {"POS": "positive", "NEG": "negative", "NEU": "neutral"}
_AS_JSON = str.maketrans("()'", '[]"')


def convert_triplets(path: Path, layout: str) -> Iterator[Row]:
    """Rows of a file named for its split in a folder named for its domain; ``layout`` names the data set."""
    folder, number = path.resolve().parent.name, 0
    for place, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        with located(path, place, layout):
            tokens, triplets, domain = _fields(line)
            sentence = Sentence.joined(tokens)
            opinions = [_opinion(sentence, *triplet) for triplet in triplets]
        distinct = [each for place, each in enumerate(opinions) if each not in opinions[:place]]
        yield {"id": f"{folder}-{path.stem}-{number}", "domain": domain or folder, "text": sentence.text, "opinions": distinct}
        number += 1


def _fields(line: str) -> tuple[list[str], Any, str]:
    """The tokens, the triplets and the domain, empty where the line names none.

    Between text and triplets some files repeat the text with a tag for each token.
    """
    text, *rest = (field.strip(" \r\n") for field in line.split(_BETWEEN))
    number = next((number for number, field in enumerate(rest) if field.startswith("[") and field.endswith("]")), None)
    if not text or number is None:
        raise ValueError(f"it is not a text, {_BETWEEN} and a list of triplets")
    try:
        triplets = json.loads(rest[number].translate(_AS_JSON))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"{rest[number][:40]!r} is not a list of triplets like ([0], [2, 3], 'POS')") from None
    return text.split(" "), triplets, " ".join(rest[number + 1 :])


def _opinion(sentence: Sentence, target: Any, expression: Any, polarity: Any) -> Row:
    if polarity not in _POLARITIES:
        raise ValueError(f"{polarity!r} is none of the polarities {', '.join(_POLARITIES)}")
    return {"target": _span(sentence, target), "expression": _span(sentence, expression), "polarity": _POLARITIES[polarity]}


def _span(sentence: Sentence, tokens: Any) -> Row | None:
    """The named tokens as a span, or None for ``[-1]``, which stands for what the text doesn't say."""
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, int) for token in tokens):
        raise TypeError("tokens")
    first, last = min(tokens), max(tokens)
    if last == -1:
        return None
    if not 0 <= first <= last < len(sentence.tokens):
        raise ValueError(f"tokens {first} to {last} are named in a text of {len(sentence.tokens)} tokens, counted from 0")
    return asdict(Span.of(sentence.text, sentence.tokens[first][0], sentence.tokens[last][1]))
