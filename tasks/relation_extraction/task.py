"""The relation-extraction pipeline: load, call, stream.

python -m tasks relation-extraction "Ada Osei founded the Volta Trust in Accra in 2011."
python -m tasks relation-extraction "Dr Lindqvist runs Karolinska." --labels "chief executive of"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, overload

from tasks.core.adapters import find_adapter, load_head, open_adapter, read_settings
from tasks.core.encoder import Encoder, load_config
from tasks.core.errors import AdapterError, InputError
from tasks.core.labels import check_labels
from tasks.core.text import check_text
from tasks.core.types import Coverage
from tasks.relation_extraction.data import Given
from tasks.relation_extraction.decode import Settings, choose, relations
from tasks.relation_extraction.entities.data import house_type
from tasks.relation_extraction.entities.finder import EntityFinder, read_scores
from tasks.relation_extraction.entities.given import read_entities
from tasks.relation_extraction.entities.model import EntityHead
from tasks.relation_extraction.model import RelationHead, check_reads_pairs
from tasks.relation_extraction.scoring import RelationScorer
from tasks.relation_extraction.types import Entity, RelationResult

NAME = "relation-extraction"
FOLDER = Path(__file__).parent
CHUNK = 64  # texts sorted by length together: enough to leave little padding, few enough for a live progress bar
ENTITIES = "entities"  # the part, and the name of the shipped adapter for it
Finder = Callable[[Sequence[str]], list[tuple[Entity, ...]]]


class RelationExtraction:
    """Entities and the relations between them. Safe to call from several threads.

    ``labels``: the relations that are looked for where the caller names none.
    """

    def __init__(self, finder: Finder, encoder: Encoder, head: RelationHead, settings: Settings) -> None:
        self.finder, self.settings, self.scorer = finder, settings, RelationScorer(encoder, head)
        self.labels = list(settings.labels)

    @overload  # a str is a sequence of strings too
    def __call__(self, text: str, entities: Any = None, labels: Any = None, threshold: float | None = None) -> RelationResult: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(
        self, text: Sequence[str], entities: Any = None, labels: Any = None, threshold: float | None = None
    ) -> list[RelationResult]: ...
    def __call__(
        self, text: str | Sequence[str], entities: Any = None, labels: Any = None, threshold: float | None = None
    ) -> RelationResult | list[RelationResult]:
        """Entities and relations of one text, or of each text of a list, in order.

        ``entities``: your own, in place of those that are found (see ``read_entities``; for a list of texts a list for
        each); ``labels``: the relations to look for (names, or name -> description; None: the default ones);
        ``threshold``: the least score in [0, 1] of a relation (None: calibrated). Raises ``InputError``.
        """
        if isinstance(text, str):
            return next(self.stream([text], None if entities is None else [entities], labels, threshold))
        if isinstance(text, Mapping | bytes | bytearray) or not hasattr(text, "__iter__"):
            raise InputError(f"Give one string or a list of strings, not {type(text).__name__}.")
        return list(self.stream(list(text), entities, labels, threshold))

    def stream(
        self, texts: Sequence[str], entities: Any = None, labels: Any = None, threshold: float | None = None
    ) -> Iterator[RelationResult]:
        """Results one after the other, in order, while later texts are still to be read: for progress bars."""
        if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
            raise InputError(f"threshold must be a number from 0 to 1, not {threshold!r}.")
        wanted = self.settings.labels if labels is None else check_labels(labels, self.settings.labels)
        rest, given = iter(texts), None if entities is None else iter(_one_each(texts, entities))
        while chunk := [check_text(text) for text in islice(rest, CHUNK)]:
            own = (
                None if given is None else [read_entities(text, each) for text, each in zip(chunk, islice(given, len(chunk)), strict=True)]
            )
            yield from self._extract(chunk, own, wanted, threshold)

    def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The entities of each text alone."""
        return self.finder([check_text(text) for text in texts])

    def _extract(
        self, texts: list[str], given: list[tuple[Entity, ...]] | None, labels: Mapping[str, str], threshold: float | None
    ) -> Iterator[RelationResult]:
        entities, names = self.finder(texts) if given is None else given, list(labels)
        read = [[as_given(entity) for entity in group] for group in entities]
        found = self.scorer(texts, read, labels, self.settings.endpoints)
        for text, group, candidates in zip(texts, entities, found, strict=True):
            chosen = choose(candidates, names, self.settings, threshold)
            yield RelationResult(text, group, relations(text, group, chosen, names), Coverage(len(text), len(text)))


def as_given(entity: Entity) -> Given:
    """An entity as the model reads it."""
    return Given(house_type(entity.type), tuple((span.start, span.end) for span in entity.mentions))


def _one_each(texts: Sequence[str], entities: Any) -> list[Any]:
    if isinstance(entities, str | bytes | Mapping) or not hasattr(entities, "__iter__"):
        raise InputError("entities must be a list: of entities for one text, of such lists for a list of texts.")
    each = list(entities)
    if len(each) != len(texts):
        raise InputError(f"There are {len(each)} lists of entities for {len(texts)} texts: give one for each text.")
    return each


def load(
    model: str | None = None,
    adapter: str | None = "shipped",
    revision: str | None = None,
    device: str | None = None,
    entity_adapter: str = ENTITIES,
) -> RelationExtraction:
    """The pipeline over a relation adapter and an entity adapter, each over its own encoder.

    ``adapter`` may be of either part, the other part is then the shipped one; ``entity_adapter`` names the entities' beside
    a relation adapter; ``model`` may be a token classifier of the Hub, which then finds the entities.
    Raises ``ModelError`` or ``AdapterError``.
    """
    from tasks.relation_extraction.ready import ReadyMade, is_ready_made

    if adapter is None:
        raise AdapterError("A plain encoder knows no relations: give an adapter, or a token-classification model for the entities.")
    if model is not None and is_ready_made(load_config(model, revision)):
        return _assemble(ReadyMade.load(model, revision, device), None, adapter, None, device)
    if _part(adapter, None if model else revision) == ENTITIES:
        return _assemble(_finder(model, adapter, revision, device), None, "shipped", None, device)
    return _assemble(_finder(None, entity_adapter, None, device), model, adapter, revision, device)


def _part(adapter: str, revision: str | None) -> str:
    part = read_settings(find_adapter(FOLDER, adapter, revision), NAME).get("part")
    if part not in (ENTITIES, "relations"):
        raise AdapterError(f"task.json of the adapter {adapter!r} is damaged: its part is {part!r}. Get the adapter again.")
    return str(part)


def _finder(model: str | None, adapter: str, revision: str | None, device: str | None) -> EntityFinder:
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    if data.get("part") != ENTITIES:
        raise AdapterError(f"The adapter {adapter!r} is for relations: give one for entities.")
    head = EntityHead(merged.width)
    load_head(head, folder)
    return EntityFinder(merged, head.to(merged.device).eval().requires_grad_(False), read_scores(data))


def _assemble(finder: Finder, model: str | None, adapter: str, revision: str | None, device: str | None) -> RelationExtraction:
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    if data.get("part") != "relations":
        raise AdapterError(f"The adapter {adapter!r} is for entities: give one for relations.")
    check_reads_pairs(merged.model.config, merged.name)
    head = RelationHead(merged.width)
    load_head(head, folder)
    return RelationExtraction(finder, merged, head.to(merged.device).eval().requires_grad_(False), Settings.of(data))
