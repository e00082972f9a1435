"""Replies phrased by a chat model of the Hub, which is given what the templates say and nothing else.

What it writes is used only where every number and every name in it stands in what it was given; else the templates' words stay.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from tasks.core.encoder import load_pretrained, pick_device
from tasks.core.errors import ModelError

TOKENS = 160  # of a reply at most
ORDER = (
    "Say the following to the user in one to three friendly sentences. Keep every fact, name, number and question as it is. "
    "Add no fact, name, number, advice or question of your own. Answer with the sentences alone."
)
_NAME = re.compile(r"\b[A-Z][\w’'-]+|\d[\d.,:]*")
_WORD = re.compile(r"\d[\d.,:]*|[\w’'-]+")
_OPENING = re.compile(r"(?:^|[.!?:]\s+|[“\"(])$")
OPENERS = frozenset((Path(__file__).parent / "openers.txt").read_text(encoding="utf-8").split())  # with which a sentence may begin


class Phraser:
    """A text-generation model with a chat template. Safe to call from several threads, one after the other."""

    def __init__(self, name: str, revision: str | None = None, device: str | None = None) -> None:
        self.tokenizer, model = load_pretrained(AutoModelForCausalLM, name, revision)
        if not self.tokenizer.chat_template:
            raise ModelError(f"Model {name!r} has no chat template: give a chat (instruct) model, or leave --generator out.")
        self.model = model.to(pick_device(device)).eval()
        self._lock = threading.Lock()

    def __call__(self, said: str) -> str:
        """``said``, the templates' sentences, in the model's words; ``said`` itself where the model adds something or says nothing."""
        words = self._write(said)
        return words if words and grounded(words, said) else said

    @torch.inference_mode()
    def _write(self, said: str) -> str:
        messages = [{"role": "system", "content": ORDER}, {"role": "user", "content": said}]
        try:
            given: Any = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        except Exception:  # templates are programs of their authors: many refuse a system message
            messages = [{"role": "user", "content": f"{ORDER}\n\n{said}"}]
            given = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        ids, mask = (given[name].to(self.model.device) for name in ("input_ids", "attention_mask"))
        if ids.shape[1] + TOKENS > int(getattr(self.model.config, "max_position_embeddings", None) or 1 << 30):
            return ""
        with self._lock:
            made = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=TOKENS,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id or 0,
            )
        return str(self.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)).strip()


def grounded(words: str, said: str) -> bool:
    """Whether every number and every word with a capital stands in ``said``, but for ``OPENERS`` of sentences."""
    known = {each.strip(".,:’'-").casefold() for each in _WORD.findall(said)}
    for match in _NAME.finditer(words):
        new = match[0].strip(".,:’'-").casefold() not in known
        if new and not (match[0].casefold() in OPENERS and _OPENING.search(words[: match.start()])):
            return False
    return True
