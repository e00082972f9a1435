"""The conversation pipeline: an agent on an information-extraction module.

python -m tasks conversation "Kind of Blue is my favourite record. What next?"
python -m tasks conversation --input messages.txt --documents plan.pdf       (one conversation, a message a line)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from torch.nn import functional as F

from tasks import pipeline
from tasks.conversation.agent import Actor
from tasks.conversation.decode import Settings
from tasks.conversation.generator import Phraser
from tasks.conversation.listening import Listener, Load
from tasks.conversation.model import MessageHead
from tasks.conversation.scoring import MessageReader
from tasks.conversation.state import State
from tasks.conversation.types import Extraction, Turn
from tasks.core.adapters import load_head, open_adapter
from tasks.core.encoder import load_encoder
from tasks.core.errors import AdapterError, InputError

NAME = "conversation"
FOLDER = Path(__file__).parent
MAX_MESSAGE = 2_000  # characters
MAX_TURNS = 1_000


class Agent:
    """Talks: reads each message through the other tasks into a dialogue state, and acts on it. Safe to call from several threads.

    ``load(task, adapter)`` gives the other tasks' pipelines when they are first needed; ``phrase`` puts replies in other words.
    """

    def __init__(self, reader: MessageReader, load: Load, phrase: Phraser | None = None) -> None:
        self.reader, self._phrase = reader, phrase
        encoder = load_encoder(None, None, str(reader.encoder.device))

        def embed(texts: Sequence[str]) -> Any:
            return F.normalize(encoder.embed(list(texts)), dim=-1).cpu().numpy()

        self._listen, self._act = Listener(reader, load, embed), Actor(load, embed)

    def reply(
        self,
        message: str,
        state: Mapping[str, Any] | None = None,
        documents: Any = None,
        catalogue: Any = None,
        proposal: str | None = None,
    ) -> Turn:
        """The agent's turn after a message of the user.

        ``message``: up to 2,000 characters; ``state``: what the last turn gave (None: a new conversation), which is not changed;
        ``documents``: files or a library of question answering to answer from; ``catalogue``: a recommender over other items than the
        shipped albums; ``proposal``: what is under discussion, so that the side the user takes is read too. Raises ``InputError``.
        """
        text, before = check_message(message), State.of(state)
        if before.turns >= MAX_TURNS:
            raise InputError(f"This conversation has {MAX_TURNS:,} messages: start a new one.")
        if proposal is not None and (not isinstance(proposal, str) or not 0 < len(proposal.strip()) <= MAX_MESSAGE):
            raise InputError("The proposal must be a sentence or two, such as 'We should plant more trees', or left out.")
        said = self._listen(text, before, proposal)
        after, acts = self._act(before, said, documents, catalogue, proposal)
        reply = " ".join(act.text for act in acts)
        if self._phrase is not None:
            reply = self._phrase(reply)
        return Turn(reply, after.next_turn().to_dict(), said, tuple(acts))

    @overload  # a str is a sequence of strings too
    def __call__(self, text: str) -> Extraction: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Sequence[str]) -> list[Extraction]: ...
    def __call__(self, text: str | Sequence[str]) -> Extraction | list[Extraction]:
        """What one message says, or each of a list, read as the first of a conversation. Raises ``InputError``."""
        if isinstance(text, str):
            return self._listen(check_message(text), State())
        if isinstance(text, Mapping | bytes | bytearray) or not hasattr(text, "__iter__"):
            raise InputError(f"Give one string or a list of strings, not {type(text).__name__}.")
        return [self._listen(check_message(each), State()) for each in text]

    def stream(self, messages: Sequence[str], documents: Any = None, target: str | None = None) -> Iterator[Turn]:
        """The turns of one conversation, message by message; ``target``: the proposal under discussion."""
        state: Mapping[str, Any] | None = None
        for message in messages:
            turn = self.reply(message, state, documents, proposal=target)
            state = turn.state
            yield turn


def check_message(message: object) -> str:
    """The message; raises ``InputError`` where it is none."""
    if not isinstance(message, str):
        raise InputError(f"A message must be a string, not {type(message).__name__}.")
    if not message.strip():
        raise InputError("The message is empty: write something.")
    if len(message) > MAX_MESSAGE:
        raise InputError(f"The message has {len(message):,} characters; up to {MAX_MESSAGE:,} are read. Give long texts as documents.")
    return message


class Others:
    """The other tasks' pipelines, each loaded once, when it is first needed, whichever thread needs it."""

    def __init__(self, device: str | None, **recommendation: Any) -> None:
        self._device, self._recommendation = device, recommendation
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, str], Any] = {}

    def __call__(self, task: str, adapter: str) -> Any:
        """The pipeline; raises what ``tasks.pipeline`` raises."""
        with self._lock:
            if (task, adapter) not in self._loaded:
                options = self._recommendation if task == "recommendation" else {}
                self._loaded[task, adapter] = pipeline(task, adapter=adapter, device=self._device, **options)
            return self._loaded[task, adapter]


def load(
    model: str | None = None,
    adapter: str | None = "shipped",
    revision: str | None = None,
    device: str | None = None,
    items: Any = None,
    ratings: Any = None,
    generator: str | None = None,
    generator_revision: str | None = None,
    pipelines: Load | None = None,
) -> Agent:
    """The agent over an adapter and its encoder.

    ``items`` and ``ratings``: the catalogue to recommend from (None: the shipped albums); ``generator``: a chat model of the Hub, or a
    folder, that phrases the replies; ``pipelines``: gives the other tasks' pipelines, for programs that have them already.
    Raises ``ModelError`` or ``AdapterError``.
    """
    if adapter is None:
        raise AdapterError("A plain encoder understands no requests: give an adapter.")
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    head = MessageHead(merged.width)
    load_head(head, folder)
    reader = MessageReader(merged, head.to(merged.device).eval().requires_grad_(False), Settings.of(data))
    catalogue = {name: value for name, value in (("items", items), ("ratings", ratings)) if value is not None}
    phrase = None if generator is None else Phraser(generator, generator_revision, device)
    return Agent(reader, pipelines or Others(device, **catalogue), phrase)
