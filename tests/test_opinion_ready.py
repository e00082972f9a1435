"""Ready-made models for opinion analysis: their labels in our words, their inputs as their own tokenizer makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from tasks import pipeline
from tasks.core.errors import AdapterError, InputError, ModelError
from tasks.core.types import Coverage
from tasks.opinion_analysis.ready import HYPOTHESES, NliModel, PolarityModel, ReadyMade, TargetTagger
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, OpinionResult

NLI = ["contradiction", "neutral", "entailment"]
STARS = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
TAGS = ["O", "B-POS", "I-POS", "B-NEG", "I-NEG"]
TEXTS = ["The flood hit the town.", "", "😀 Zoë fled\r\nthe flood", "vote " * 150, " \n", "half \ud83d emoji"]
texts = st.one_of(st.text(max_size=80), st.text(st.characters(exclude_categories=()), max_size=40), st.sampled_from(TEXTS))


def by_hand(folder: Path, *inputs: str) -> dict[str, float]:
    """Probabilities by label, as the stock model gives them for what its tokenizer makes of the texts."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        shares = model.eval()(**tokenizer(*inputs, return_tensors="pt")).logits.softmax(-1)[0].tolist()
    return {model.config.id2label[number]: share for number, share in enumerate(shares)}


def assert_same(one: OpinionResult, other: OpinionResult) -> None:
    assert (one.text, one.coverage, [each.target for each in one.opinions]) == (
        other.text,
        other.coverage,
        [e.target for e in other.opinions],
    )
    assert one.polarity.scores == pytest.approx(other.polarity.scores, abs=1e-4)
    assert [each.score for each in one.opinions] == pytest.approx([each.score for each in other.opinions], abs=1e-4)
    assert (one.stance and one.stance.scores) == pytest.approx(other.stance and other.stance.scores, abs=1e-4)


@pytest.fixture(scope="module")
def models(make_model: Callable[..., Path]) -> dict[str, Path]:
    """Folders of tiny ready-made models, whose windows hold 128 tokens: their tokenizers cut words into letters."""

    def build(labels: list[str], kind: str = "bert", auto: Any = AutoModelForSequenceClassification) -> Path:
        named = {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}
        return make_model(kind, auto, max_position_embeddings=256, **named)

    found = {"polarity": build(["NEGATIVE", "POSITIVE"]), "stars": build(STARS, "roberta")}
    found |= {"nli": build(NLI), "plain nli": build(NLI, "roberta"), "tagger": build(TAGS, "roberta", AutoModelForTokenClassification)}
    found["bert tagger"] = build(TAGS, auto=AutoModelForTokenClassification)
    told = ["input_ids", "token_type_ids", "attention_mask"]  # BERT is told which tokens are of the second text, RoBERTa is not
    AutoTokenizer.from_pretrained(found["nli"], model_input_names=told).save_pretrained(found["nli"])
    return found


@pytest.fixture(scope="module", params=["polarity", "stars", "nli", "plain nli", "tagger"])
def ready(request: pytest.FixtureRequest, models: dict[str, Path]) -> ReadyMade:
    """Each kind of ready-made model in turn."""
    loaded: ReadyMade = pipeline("opinion-analysis", str(models[request.param]))
    return loaded


# Labels


def test_each_model_is_taken_for_what_its_labels_say(models: dict[str, Path]) -> None:
    kinds = {name: type(pipeline("opinion-analysis", str(folder))) for name, folder in models.items()}
    assert kinds.pop("bert tagger") is TargetTagger
    assert kinds == {"polarity": PolarityModel, "stars": PolarityModel, "nli": NliModel, "plain nli": NliModel, "tagger": TargetTagger}


@pytest.mark.parametrize(
    ("labels", "per"),
    [
        (["LABEL_0", "LABEL_1"], "message"),
        (["positive", "neutral"], "message"),
        (["positive", "negative", "sports"], "message"),
        (["entailment", "neutral"], "message"),
        (["O", "B-PER", "I-PER"], "word"),
        (["O", "B-POS", "I-POS"], "word"),
        (["O"], "word"),
    ],
)
def test_labels_that_say_nothing_to_us_are_refused(make_classifier: Callable[..., Path], labels: list[str], per: str) -> None:
    folder = make_classifier(labels, per)
    with pytest.raises(ModelError, match="are neither polarities nor entailment and contradiction") as error:
        pipeline("opinion-analysis", str(folder))
    assert labels[0] in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_plain_encoder_without_an_adapter_is_refused(bert: Path) -> None:
    with pytest.raises(AdapterError, match="give an adapter, or a sequence-classification model"):
        pipeline("opinion-analysis", str(bert), adapter=None)


# Polarity


def test_polarity_is_what_the_stock_model_says(models: dict[str, Path]) -> None:
    text = "The flood hit the town."
    shares = by_hand(models["polarity"], text)
    polarity = pipeline("opinion-analysis", str(models["polarity"]))(text).polarity
    assert polarity.scores == pytest.approx({"positive": shares["POSITIVE"], "negative": shares["NEGATIVE"], "neutral": 0}, abs=1e-5)


def test_stars_add_up(models: dict[str, Path]) -> None:
    text = "The flood hit the town."
    stars = list(by_hand(models["stars"], text).values())
    polarity = pipeline("opinion-analysis", str(models["stars"]))(text).polarity
    expected = {"positive": stars[3] + stars[4], "negative": stars[0] + stars[1], "neutral": stars[2]}
    assert polarity.scores == pytest.approx(expected, abs=1e-5)


def test_shares_that_round_above_one_are_still_probabilities(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, 0.6 + 0.4 may be more than 1, and so it is for one of two thousand texts of a certain model."""
    stars = pipeline("opinion-analysis", str(models["stars"]))
    drawn = torch.randn(500_000, 5, generator=torch.Generator().manual_seed(0)) * 6
    drawn = drawn[drawn.softmax(-1)[:, 3:].sum(-1) > 1]

    left = list(drawn)
    stacked = lambda input_ids, **_: SimpleNamespace(logits=torch.stack([left.pop() for _ in input_ids]))  # noqa: E731
    monkeypatch.setattr(stars.encoder.model, "forward", stacked)
    results = stars(["vote"] * len(drawn))
    assert len(results) > 5 and all(result.polarity.score == pytest.approx(1) and result.polarity.score <= 1 for result in results)


# Stance


@pytest.mark.parametrize("name", ["nli", "plain nli"])
@pytest.mark.parametrize(("text", "proposal"), [("people fled the town", "the school was in the town"), ("a", "😀 vote"), ("é, no!", "in")])
def test_a_text_and_a_proposal_are_read_as_the_models_own_tokenizer_joins_them(
    models: dict[str, Path], name: str, text: str, proposal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = pipeline("opinion-analysis", str(models[name]))
    seen: list[dict[str, Any]] = []
    forward = loaded.encoder.model.forward
    monkeypatch.setattr(loaded.encoder.model, "forward", lambda **inputs: (seen.append(inputs), forward(**inputs))[1])
    (stance,) = loaded._stance([text], proposal)
    expected = AutoTokenizer.from_pretrained(models[name])(text, proposal)
    assert {key: value.tolist()[0] for key, value in seen[0].items()} == dict(expected)
    assert ("token_type_ids" in expected) == (name == "nli")
    shares = by_hand(models[name], text, proposal)
    assert stance.scores == pytest.approx(
        dict(zip(STANCES, (shares["entailment"], shares["contradiction"], shares["neutral"]), strict=True)), abs=1e-5
    )


def test_an_nli_model_tells_the_polarity_by_hypotheses(models: dict[str, Path]) -> None:
    entailed = {name: by_hand(models["nli"], "a vote", HYPOTHESES[name])["entailment"] for name in POLARITIES}
    expected = {name: share / sum(entailed.values()) for name, share in entailed.items()}
    assert pipeline("opinion-analysis", str(models["nli"]))("a vote").polarity.scores == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["polarity", "stars", "tagger"])
def test_a_model_that_tells_no_stance_says_so(models: dict[str, Path], name: str) -> None:
    loaded = pipeline("opinion-analysis", str(models[name]))
    for target in ("We should vote", ["We should vote"]):
        with pytest.raises(InputError, match="tells no stance: leave target out, or load an NLI model or an adapter"):
            loaded(["a"], target=target)


# Targets


def tagged(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tags: str, text: str) -> OpinionResult:
    """The result where the words of ``text`` get ``tags``, each with probability 0.8."""
    loaded = pipeline("opinion-analysis", str(models["bert tagger"]))
    chosen = torch.tensor([TAGS.index(tag) for tag in tags.split()])

    def forward(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        shares = torch.full((*input_ids.shape, len(TAGS)), 0.05)
        shares[0, torch.arange(len(chosen)) + 1, chosen] = 0.8
        return SimpleNamespace(logits=shares.log())

    monkeypatch.setattr(loaded.encoder.model, "forward", forward)
    result: OpinionResult = loaded(text)
    return result


@pytest.mark.parametrize(
    ("tags", "targets"),
    [
        ("O B-POS I-POS O O O", [("flood hit", "positive")]),
        ("O B-POS B-POS I-POS O O", [("flood", "positive"), ("hit town", "positive")]),
        ("I-NEG I-NEG O I-NEG O O", [("nurse flood", "negative"), ("town", "negative")]),
        ("O B-POS I-NEG O O O", [("flood", "positive"), ("hit", "negative")]),
        ("O O O O O O", []),
        ("O O O O O B-NEG", [(".", "negative")]),
    ],
)
def test_runs_of_tags_are_targets(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tags: str, targets: list[tuple[str, str]]
) -> None:
    result = tagged(models, monkeypatch, tags, "nurse flood hit town was .")
    assert [(each.target and each.target.text, each.polarity) for each in result.opinions] == targets
    assert all(each.expression is None and each.score == pytest.approx(0.8) for each in result.opinions)
    felt = [polarity for _, polarity in targets]
    shares = {name: felt.count(name) / len(felt) if felt else float(name == "neutral") for name in POLARITIES}
    assert result.polarity.scores == pytest.approx(shares)


# What all share


@settings(max_examples=25, deadline=None)
@given(text=texts)
def test_offsets_are_exact_in_any_text(ready: ReadyMade, text: str) -> None:
    result = ready(text)
    assert result.text == text and result.coverage == Coverage(len(text), len(text))
    spans = [each.target for each in result.opinions if each.target]
    assert all(text[span.start : span.end] == span.text == span.text.strip() for span in spans)
    assert len(spans) == len(result.opinions) and spans == sorted(spans, key=lambda span: span.start)


def test_a_batch_answers_as_single_texts_in_any_order(ready: ReadyMade) -> None:
    target = "vote" if isinstance(ready, NliModel) else None
    single = {text: ready(text, target=target) for text in TEXTS}
    for batch in (TEXTS, TEXTS[::-1], [*TEXTS[3:], *TEXTS[:3]]):
        for text, result in zip(batch, ready(batch, target=target), strict=True):
            assert_same(result, single[text])
    assert ready([]) == []


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n"])
def test_a_blank_text_says_nothing(ready: ReadyMade, blank: str) -> None:
    result = ready(blank, target="vote" if isinstance(ready, NliModel) else None)
    assert result.polarity == Label.of(POLARITIES, (0.0, 0.0, 1.0)) and result.opinions == ()
    assert result.stance == (Label.of(STANCES, (0.0, 0.0, 1.0)) if isinstance(ready, NliModel) else None)


def test_a_long_text_is_read_to_its_end(ready: ReadyMade) -> None:
    """One that says the same throughout gets the answer of its windows; its targets reach to the end."""
    long = "the flood hit the town . " * 1000
    result = ready(long)
    assert result.coverage == Coverage(len(long), len(long))
    changed = ready(long[: len(long) // 2] + "people fled " * 1000)
    assert changed.polarity.scores != pytest.approx(result.polarity.scores, abs=1e-4) or isinstance(ready, TargetTagger)
    if result.opinions:
        assert result.opinions[-1].target and result.opinions[-1].target.end > len(long) - 100


def test_a_threshold_leaves_out_less_sure_targets(models: dict[str, Path]) -> None:
    loaded = pipeline("opinion-analysis", str(models["tagger"]))
    all_of_them, some = (loaded(TEXTS[0] * 5, threshold=threshold).opinions for threshold in (0.0, 0.6))
    assert 0 < len(some) < len(all_of_them) and [each for each in all_of_them if each.score >= 0.6] == list(some)
