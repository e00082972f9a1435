"""MAMS-ATSA: restaurant sentences with several targets and the polarity of each (Jiang et al. 2019, Apache-2.0).

Qingnan Jiang, Lei Chen, Ruifeng Xu, Xiang Ao, Min Yang: "A Challenge Dataset and Effective Models for Aspect-Based
Sentiment Analysis", EMNLP-IJCNLP 2019. Licence: Apache-2.0. The files are in the authors' repository
siat-nlp/MAMS-for-ABSA on GitHub: ``data/MAMS-ATSA/raw/train.xml``, ``val.xml`` and ``test.xml``. Those of MAMS-ACSA
name categories and no places in the text, so they can't be converted.

Original layout::

    <sentences>
      <sentence>
        <text>plain text</text>
        <aspectTerms>
          <aspectTerm from="first character" to="end character" term="the text there" polarity="positive"/>
        </aspectTerms>
      </sentence>
    </sentences>

Rows: ``{"id", "domain", "text", "opinions"}``, one per sentence, the domain always ``restaurant`` and every
expression null, since none are annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from finetune.convert._reading import Row, lines, located, refusal
from tasks.core.types import Span

_LAYOUT = "MAMS-ATSA"
_POLARITIES = ("positive", "negative", "neutral")


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files; raises ``FileError`` if it is something else."""
    for number, sentence in enumerate(_sentences(path)):
        with located(path, f"sentence {number + 1}", _LAYOUT):
            text = sentence.findtext("text")
            if text is None or sentence.find("aspectTerms") is None:
                raise ValueError("it has no <text> or no <aspectTerms>")
            opinions = [_opinion(text, term) for term in sentence.iter("aspectTerm")]
        distinct = [each for place, each in enumerate(opinions) if each not in opinions[:place]]
        if text.strip():
            yield {"id": f"mams-{path.stem}-{number}", "domain": "restaurant", "text": text, "opinions": distinct}


def _sentences(path: Path) -> list[ElementTree.Element]:
    text = "".join(lines(path))
    if not text.strip():
        return []
    try:
        return ElementTree.fromstring(text).findall("sentence")
    except ElementTree.ParseError as error:
        raise refusal(path, error.position[0], "it is not XML", _LAYOUT) from error


def _opinion(text: str, term: ElementTree.Element) -> Row:
    start, end, said, polarity = (term.attrib[name] for name in ("from", "to", "term", "polarity"))
    span = Span.of(text, int(start), int(end))
    if span.text != said:
        raise ValueError(f"{said!r} is said to stand where the text has {span.text!r}")
    if polarity not in _POLARITIES:
        raise ValueError(f"{polarity!r} is none of the polarities {', '.join(_POLARITIES)}")
    return {"target": asdict(span), "expression": None, "polarity": polarity}
