"""Opinion analysis: exact offsets, the same answer in any company, refusals in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.__main__ import main
from tasks.core.errors import AdapterError, InputError
from tasks.core.types import Coverage
from tasks.opinion_analysis.task import OpinionAnalysis, load
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, OpinionResult

TEXT = "The flood hit the town. An earthquake struck, and people fled!"
MIXED = [
    "",
    TEXT,
    "😀 Zoë fled\r\nthe flood",
    "vote in a town " * 20,
    " \n",
    "רעידת אדמה in the school",
    "A nurse.",
    "x" * 200 + " hit",
    "\ud83d the",
]
PROPOSAL = "people vote"
texts = st.one_of(
    st.text(max_size=120),
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.lists(st.sampled_from([*MIXED[:3], *MIXED[4:], "é\u0301😀", "  ", "\x00", "[SEP]", "<s>"]), max_size=4).map(" ".join),
)


def as_analysis(loaded: Any) -> OpinionAnalysis:
    assert isinstance(loaded, OpinionAnalysis)
    return loaded


@pytest.fixture(scope="module")
def folder(bert: Path, make_opinions: Callable[..., Path]) -> Path:
    """The folder of an adapter over the tiny BERT."""
    return make_opinions(bert)


@pytest.fixture(scope="module")
def tiny(bert: Path, folder: Path) -> OpinionAnalysis:
    """The tiny BERT with an adapter."""
    return as_analysis(load(str(bert), str(folder)))


@pytest.fixture(scope="module")
def any_tiny(any_model: Path, make_opinions: Callable[..., Path]) -> OpinionAnalysis:
    """An adapter over each kind of encoder."""
    return as_analysis(load(str(any_model), str(make_opinions(any_model))))


def assert_same(one: OpinionResult, other: OpinionResult) -> None:
    """The same result, with scores up to float noise."""
    assert (one.text, one.coverage) == (other.text, other.coverage)
    assert [(o.target, o.expression, o.polarity) for o in one.opinions] == [(o.target, o.expression, o.polarity) for o in other.opinions]
    assert [o.score for o in one.opinions] == pytest.approx([o.score for o in other.opinions], abs=1e-4)
    assert one.polarity.scores == pytest.approx(other.polarity.scores, abs=1e-4)
    assert (one.stance and one.stance.scores) == pytest.approx(other.stance and other.stance.scores, abs=1e-4)


# Offsets and shape


@settings(max_examples=40, deadline=None)
@given(text=texts, threshold=st.sampled_from([0.2, 0.5, None]))
def test_offsets_are_exact_in_any_text(any_tiny: OpinionAnalysis, text: str, threshold: float | None) -> None:
    result = any_tiny(text, threshold=threshold)
    assert result.text == text and result.coverage == Coverage(len(text), len(text)) and result.stance is None
    spans = [[span for span in (each.target, each.expression) if span] for each in result.opinions]
    assert all(text[span.start : span.end] == span.text == span.text.strip() != "" for group in spans for span in group)
    starts = [min(span.start for span in group) for group in spans]
    assert starts == sorted(starts) and len({str(group) for group in spans}) == len(spans)


def test_one_input_gives_one_result_and_a_list_a_list(tiny: OpinionAnalysis) -> None:
    assert tiny(TEXT, threshold=0.3).opinions and isinstance(tiny(TEXT), OpinionResult)
    assert tiny([]) == tiny([], target=PROPOSAL) == tiny([], target=[]) == []
    for count in (1, 2, 300):
        assert [result.text for result in tiny([f"a {number}" for number in range(count)])] == [f"a {number}" for number in range(count)]
    assert len(tiny((TEXT, ""))) == len(tiny(text for text in (TEXT, ""))) == 2
    for options in ({"threshold": 0.3}, {"threshold": 1.0}, {"target": PROPOSAL}, {"target": ["vote"] * len(MIXED)}):
        assert [result.text for result in tiny(MIXED, **options)] == MIXED


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n"])
def test_a_blank_text_gives_an_empty_result(any_tiny: OpinionAnalysis, blank: str) -> None:
    polarity, stance = (Label.of(names, (0.0, 0.0, 1.0)) for names in (POLARITIES, STANCES))
    assert any_tiny(blank, threshold=0) == OpinionResult(blank, polarity, (), None, Coverage(len(blank), len(blank)))
    assert any_tiny(blank, target="vote").stance == stance


def test_the_stream_is_lazy(tiny: OpinionAnalysis) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield "flood"

    source: Any = endless()
    assert next(tiny.stream(source, target="vote")).text == "flood" and len(taken) < 1000


# The same answer in any company


def test_a_batch_answers_as_single_texts_in_any_order(any_tiny: OpinionAnalysis) -> None:
    single = {text: any_tiny(text, "vote", 0.3) for text in MIXED}
    for batch in (MIXED, MIXED[::-1], [*MIXED[3:], *MIXED[:3]]):
        for result, text in zip(any_tiny(batch, "vote", 0.3), batch, strict=True):
            assert_same(result, single[text])


def test_one_proposal_for_all_or_one_for_each(tiny: OpinionAnalysis) -> None:
    proposals = ["people vote", "a school in town", "people vote"]
    said = ["the flood hit", "a nurse fled", "people struck"]
    expected = [tiny(text, target=proposal) for text, proposal in zip(said, proposals, strict=True)]
    for result, alone, plain in zip(tiny(said, target=proposals), expected, tiny(said), strict=True):
        assert_same(result, alone)
        assert plain.stance is None and plain.polarity.scores == pytest.approx(result.polarity.scores, abs=1e-4)
        assert result.stance and set(result.stance.scores) == set(STANCES) and sum(result.stance.scores.values()) == pytest.approx(1)
    stances = [result.stance.scores["favor"] for result in tiny(["the flood hit"] * 3, target=proposals) if result.stance]
    assert stances[0] == pytest.approx(stances[2], abs=1e-4) != pytest.approx(stances[1], abs=1e-4)


def test_stances_alone_are_those_of_the_whole_reading(tiny: OpinionAnalysis) -> None:
    texts = ["The bus is late.", "", "Trees are good for the town."]
    assert list(tiny.stances(texts, PROPOSAL)) == [each.stance for each in tiny(texts, target=PROPOSAL)]
    with pytest.raises(InputError, match="There is no target"):
        next(tiny.stances(texts, None))


def test_a_higher_threshold_leaves_fewer_opinions(tiny: OpinionAnalysis) -> None:
    steps = [tiny(MIXED, threshold=threshold) for threshold in (0.2, 0.4, 0.6, 1.0)]
    assert sum(len(result.opinions) for result in steps[1]) > 5
    for threshold, (lower, higher) in zip((0.4, 0.6, 1.0), pairwise(steps), strict=True):
        assert sum(len(result.opinions) for result in lower) >= sum(len(result.opinions) for result in higher)
        assert all(each.score >= threshold for result in higher for each in result.opinions)


def test_two_pipelines_answer_from_eight_threads_as_from_one(bert: Path, make_opinions: Callable[..., Path]) -> None:
    folders = [str(make_opinions(bert, seed=seed)) for seed in (0, 1)]
    loaded = [load(str(bert), folder) for folder in folders]
    calls = [(which, text, target) for which in (0, 1) for text in (TEXT, MIXED[2], MIXED[3]) for target in (None, "vote", "a school")]
    alone = [loaded[which](text, target, 0.3) for which, text, target in calls]
    assert [each.polarity for each in alone[:9]] != [each.polarity for each in alone[9:]]  # the adapters do differ
    together = [load(str(bert), folder) for folder in folders]
    order = [number * 7 % len(calls) for number in range(6 * len(calls))]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: together[calls[number][0]](*calls[number][1:], 0.3), order))
    for number, result in zip(order, results, strict=True):
        assert_same(result, alone[number])


def test_polarities_of_given_targets(tiny: OpinionAnalysis) -> None:
    places = [(4, 9), (18, 22), (27, 37)]
    found = tiny.polarities(TEXT, places)
    assert tiny.polarities(TEXT, []) == [] and len(found) == 3
    for label, place in zip(found, places, strict=True):
        assert set(label.scores) == set(POLARITIES) and sum(label.scores.values()) == pytest.approx(1)
        assert tiny.polarities(TEXT, [place])[0].scores == pytest.approx(label.scores, abs=1e-4)
    assert found[0].scores != pytest.approx(found[2].scores, abs=1e-4)
    long = "a school . " * 100 + TEXT  # the same words at the end of a long text
    assert tiny.polarities(long, [(1100 + 4, 1100 + 9)])[0].scores != pytest.approx(tiny.polarities(long, [(2, 8)])[0].scores, abs=1e-4)
    for wrong in ((-1, 3), (3, 3), (5, 4), (0, len(TEXT) + 1)):
        with pytest.raises(InputError, match="is not in the text: give"):
            tiny.polarities(TEXT, [wrong])


# What is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((None,), "Give one string or a list of strings, not NoneType"),
        ((b"bytes",), "Give one string or a list of strings, not bytes"),
        (({"text": "a"},), "Give one string or a list of strings, not dict"),
        ((["fine", None],), "A text must be a string, not NoneType"),
        ((TEXT, ["one"]), "One text takes one proposal as target, a string, not list"),
        ((TEXT, " \n"), "The target must be a proposal in words"),
        (([TEXT], ""), "The target must be a proposal in words"),
        (([TEXT], [None]), "The target must be a proposal in words"),
        (([TEXT], 5), "The target must be one proposal, or a list"),
        (([TEXT, TEXT], ["one"]), "There are 1 targets for 2 texts: give one proposal, or one for each text"),
        (([], ["one"]), "There are 1 targets for 0 texts"),
        ((TEXT, "flood " * 33), "tokens, where 32 are the most: say it shorter"),
        *(((TEXT, None, wrong), "threshold must be a number from 0 to 1, not ") for wrong in (-0.1, 1.1, float("nan"), "0.5", [0.5])),
    ],
)
def test_wrong_use_is_one_sentence(tiny: OpinionAnalysis, call: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        tiny(*call)
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("damage", [{"calibration": None}, {"calibration": {}}, {"calibration": {"opinions": {}}}])
def test_damaged_scores_are_an_adapter_error(damage: dict[str, Any], bert: Path, make_opinions: Callable[..., Path]) -> None:
    folder = make_opinions(bert)
    data = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    (folder / "task.json").write_text(json.dumps(data | damage), encoding="utf-8")
    with pytest.raises(AdapterError, match=r"task\.json is damaged"):
        load(str(bert), str(folder))


# The command line


def test_the_command_tells_the_stance_towards_a_target(
    bert: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use = ["opinion-analysis", "--model", str(bert), "--adapter", str(folder)]
    assert main([*use, TEXT, "--target", PROPOSAL, "--threshold", "0.3"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["text"] == TEXT and result["opinions"] and set(result["stance"]["scores"]) == set(STANCES)
    (tmp_path / "in.txt").write_text("the flood\npeople fled\n", encoding="utf-8")
    assert main([*use, "--input", str(tmp_path / "in.txt"), "--output", str(tmp_path / "out.jsonl"), "--target", PROPOSAL]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["the flood", "people fled"] and all(row["result"]["stance"] for row in rows)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--labels", "a"], "opinion-analysis takes no --labels: leave it out."),
        (["--target", " "], "The target must be a proposal in words"),
        (["--threshold", "2"], "threshold must be a number from 0 to 1, not 2.0"),
    ],
)
def test_wrong_use_of_the_command_is_exit_code_2(
    bert: Path, folder: Path, line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["opinion-analysis", TEXT, "--model", str(bert), "--adapter", str(folder), *line]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("quipu: ") and message in err and err.count("\n") == 1


def test_event_detection_takes_no_target(bert: Path, adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["event-detection", TEXT, "--model", str(bert), "--adapter", str(adapter), "--target", PROPOSAL]) == 2
    assert "event-detection takes no --target: leave it out." in capsys.readouterr().err
