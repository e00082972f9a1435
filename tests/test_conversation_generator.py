"""Replies in a chat model's words: they say nothing that was not given, or the templates' words stay."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import decoders
from transformers import GPT2Config, GPT2LMHeadModel

from tasks.conversation.generator import TOKENS, Phraser, grounded
from tasks.core.errors import ModelError
from tests.conftest import bytelevel
from tests.telling import HOSTILE

SAID = "Noted: Agnes lives in Oslo. Where is that?"
PLAIN = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}agent: {% endif %}"
REFUSING = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + PLAIN


@pytest.fixture(scope="module")
def make_chat(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """``make_chat(template)``: the folder of a tiny causal model with random weights, None: without a template."""

    def build(template: str | None, safe: bool = True) -> str:
        folder = tmp_path_factory.mktemp("chat")
        tokenizer = bytelevel()
        tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder)
        size: Any = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 1600}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=2, pad_token_id=1, **size))
        model.save_pretrained(folder)
        if not safe:
            (folder / "model.safetensors").unlink()
            torch.save(model.state_dict(), folder / "pytorch_model.bin")
        return str(folder)

    return build


@pytest.fixture(scope="module")
def chat(make_chat: Callable[..., str]) -> Phraser:
    """A tiny model that takes a system message."""
    return Phraser(make_chat(PLAIN), device="cpu")


def spoken(chat: Phraser, words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the model write these words; what it is given comes into the list."""
    prompts: list[str] = []

    def generate(input_ids: torch.Tensor, attention_mask: torch.Tensor, max_new_tokens: int, **options: Any) -> torch.Tensor:
        assert input_ids.shape == attention_mask.shape and attention_mask.all() and max_new_tokens == TOKENS
        prompts.append(chat.tokenizer.decode(input_ids[0]))
        written = torch.tensor([chat.tokenizer(words, add_special_tokens=False)["input_ids"]], dtype=torch.long)
        return torch.cat([input_ids, written.reshape(1, -1)], 1)

    monkeypatch.setattr(chat.model, "generate", generate)
    return prompts


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("I noted that Agnes lives in Oslo. Where is it?", True),
        ("Where is that? So Agnes lives in OSLO.", True),
        ("noted, thanks", True),
        ("", True),
        ("I noted that Agnes lives in Bergen.", False),
        ("I noted it. By the way, Agnes likes Bach.", False),
        ("Agnes lives in Oslo since 1990.", False),
        ("It is 5 km away.", False),
        ("It is\nin Norway.", False),
    ],
)
def test_words_are_grounded_where_every_name_and_number_was_given(words: str, holds: bool) -> None:
    assert grounded(words, SAID) is holds


def test_numbers_are_grounded_as_they_are_written() -> None:
    assert grounded("It holds 2,000 people, and costs 3.50.", "The hall: 2,000 seats; 3.50 each.")
    assert not grounded("It holds 3,000 people.", "The hall: 2,000 seats.")


@pytest.mark.parametrize("said", [*HOSTILE, ""], ids=ascii)
def test_what_was_given_is_grounded_in_itself(said: str) -> None:
    assert grounded(said, said)


def test_a_phrasing_that_adds_nothing_is_taken(chat: Phraser, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = spoken(chat, " So Agnes lives in Oslo. And where is that? \n", monkeypatch)
    assert chat(SAID) == "So Agnes lives in Oslo. And where is that?"
    (prompt,) = prompts
    assert f"user: {SAID}\n" in prompt and prompt.startswith("system: ") and prompt.endswith("agent: ")


@pytest.mark.parametrize("words", ["", "  \n", "So Agnes lives in Paris.", "Agnes lives there with 3 cats."])
def test_else_the_templates_words_stay(words: str, chat: Phraser, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken(chat, words, monkeypatch)
    assert chat(SAID) == SAID


def test_a_template_without_system_messages_is_given_all_by_the_user(
    make_chat: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Phraser(make_chat(REFUSING), device="cpu")
    prompts = spoken(chat, "Agnes lives in Oslo.", monkeypatch)
    assert chat(SAID) == "Agnes lives in Oslo."
    assert prompts[0].startswith("user: ") and "system: " not in prompts[0] and prompts[0].count(SAID) == 1


def test_a_real_model_says_the_same_each_time_or_the_templates_words(chat: Phraser) -> None:
    first = chat(SAID)
    assert first == chat(SAID) and (first == SAID or grounded(first, SAID))
    assert not chat.model.training and chat("<s>") is not None


def test_two_threads_get_what_one_does(chat: Phraser) -> None:
    given = [f"Noted: Agnes has {number} cats." for number in range(2)]
    alone, found = [chat._write(each) for each in given], dict[int, list[str]]()

    def work(number: int) -> None:
        found[number] = [chat._write(each) for each in given]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {0: alone, 1: alone}


def test_a_model_without_a_template_is_refused(make_chat: Callable[..., str]) -> None:
    with pytest.raises(ModelError, match="has no chat template: give a chat"):
        Phraser(make_chat(None))


def test_a_model_without_safetensors_is_refused(make_chat: Callable[..., str]) -> None:
    with pytest.raises(ModelError, match="no safetensors"):
        Phraser(make_chat(PLAIN, safe=False))


def test_what_is_no_chat_model_is_refused(make_chat: Callable[..., str], bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="could not be loaded"):
        Phraser(str(tmp_path))
    with pytest.raises(ModelError, match="has no chat template"):
        Phraser(str(bert))
    folder = Path(shutil.copytree(make_chat(PLAIN), tmp_path / "damaged"))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="could not be loaded"):
        Phraser(str(folder))
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] == "gpt2"
