"""Stanford Sentiment Treebank: film-review sentences and their polarity, three classes (Socher et al. 2013).

Richard Socher, Alex Perelygin, Jean Wu, Jason Chuang, Christopher D. Manning, Andrew Ng, Christopher Potts:
"Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank", EMNLP 2013. Licence: none is stated.
Both archives are linked from the authors' page nlp.stanford.edu/sentiment. Give ``train.txt`` or ``dev.txt`` of the
trees, or ``datasetSentences.txt`` of the other archive; then ``datasetSplit.txt``, ``dictionary.txt`` and
``sentiment_labels.txt`` are read from beside it.

Original layout of the trees, one sentence per line, each node with a label from 0 (very negative) to 4::

    (3 (2 It) (4 (2 's) (4 (4 good) (2 .))))

Original layout of the other archive, the first line of all but the dictionary a header::

    datasetSentences.txt    number <tab> tokens, brackets as -LRB-, letters beyond ASCII garbled
    datasetSplit.txt        number of the sentence,1 (train), 2 (test) or 3 (dev)
    dictionary.txt          tokens|number of the phrase
    sentiment_labels.txt    number of the phrase|positivity from 0 to 1

Rows: ``{"id", "text", "polarity"}``, from the other archive with ``"split"`` too, one per sentence. The labels 0 and 1
(positivity up to 0.4) are negative, 2 (up to 0.6) is neutral, 3 and 4 are positive. The text is joined from the tokens
with natural spacing, quotes and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from finetune.convert._reading import Row, lines, located
from finetune.convert._sentence import Sentence

_LAYOUT = "Stanford Sentiment Treebank"
_SENTENCES, _SPLIT, _DICTIONARY, _LABELS = "datasetSentences.txt", "datasetSplit.txt", "dictionary.txt", "sentiment_labels.txt"
_POLARITIES = ("negative", "negative", "neutral", "positive", "positive")
_SPLITS = {"1": "train", "2": "test", "3": "dev"}
_LEAF = re.compile(r"\([0-4] ([^()]+)\)")


def convert(path: Path) -> Iterator[Row]:
    """Rows of a file of trees or of ``datasetSentences.txt``; raises ``FileError`` for anything else."""
    return _sentences(path) if path.name == _SENTENCES else _trees(path)


def _trees(path: Path) -> Iterator[Row]:
    number = 0
    for place, line in enumerate(lines(path), 1):
        tree = line.strip()
        if not tree:
            continue
        with located(path, place, _LAYOUT):
            leaves, rest = _LEAF.findall(tree), _LEAF.sub("", tree)
            if not leaves or not re.fullmatch(r"[()0-4 ]*", rest) or tree.count("(") != tree.count(")"):
                raise ValueError("it is not a tree whose nodes have labels from 0 to 4")
        yield {"id": f"sst-{path.stem}-{number}", "text": _text(leaves), "polarity": _POLARITIES[int(tree[1])]}
        number += 1


def _sentences(path: Path) -> Iterator[Row]:
    written = dict(_pairs(path, "\t", header=True))
    splits = dict(_pairs(path.with_name(_SPLIT), ",", header=True))
    phrases = _phrases(path.with_name(_DICTIONARY), {_key(sentence) for sentence in written.values()})
    labels = dict(_pairs(path.with_name(_LABELS), "|", header=True))
    for number, sentence in written.items():
        with located(path, f"sentence {number}", _LAYOUT):
            if splits.get(number) not in _SPLITS:
                raise ValueError(f"{_SPLIT} doesn't say whether it is 1, 2 or 3")
            phrase, tokens = phrases.get(_key(sentence), ("", ""))
            if phrase not in labels:
                raise ValueError(f"{_DICTIONARY} and {_LABELS} don't have it")
            polarity = _polarity(float(labels[phrase]))
        yield {"id": f"sst-{number}", "split": _SPLITS[splits[number]], "text": _text(tokens.split(" ")), "polarity": polarity}


def _pairs(path: Path, between: str, header: bool = False) -> Iterator[tuple[str, str]]:
    """The two fields of each line, which the last ``between`` divides."""
    for place, line in enumerate(lines(path), 1):
        first, found, second = line.strip(" \r\n").rpartition(between)
        with located(path, place, _LAYOUT):
            if line.strip() and not found:
                raise ValueError(f"it has no {between!r}")
        if found and not (header and place == 1):
            yield first, second


def _phrases(path: Path, wanted: Collection[str]) -> dict[str, tuple[str, str]]:
    """Number and tokens of the dictionary's phrases with the ``wanted`` keys."""
    keyed = ((_key(tokens), number, tokens) for tokens, number in _pairs(path, "|"))
    return {key: (number, tokens) for key, number, tokens in keyed if key in wanted}


def _key(tokens: str) -> str:
    """What sentences and the dictionary write alike: all but spaces, letters beyond ASCII and the kind of brackets."""
    plain = tokens.replace("-LRB-", "(").replace("-RRB-", ")").replace("\\", "")
    return re.sub(r"[^!-~]", "", plain)


def _polarity(positivity: float) -> str:
    """Of the bounds 0.4 and 0.6 either belongs to the class below, as the data set's own notes say."""
    if not 0 <= positivity <= 1:
        raise ValueError(f"the positivity {positivity} is not from 0 to 1")
    return "negative" if positivity <= 0.4 else "neutral" if positivity <= 0.6 else "positive"


def _text(tokens: Collection[str]) -> str:
    return Sentence.joined([_repaired(token.replace("\\/", "/").replace("\\*", "*")) for token in tokens]).text


def _repaired(token: str) -> str:
    """The token, read as UTF-8 where that had been read as Latin-1 (``Ã©`` for ``é``)."""
    try:
        return token.encode("latin-1").decode()
    except UnicodeError:
        return token
