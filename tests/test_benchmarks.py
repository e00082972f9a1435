"""The benchmarks' own arithmetic; what they measure is never tested."""

from __future__ import annotations

import argparse
import statistics

import pytest
import torch

from tests.benchmarks import recommendation, relations, showcase
from tests.benchmarks.contest import Figures, table
from tests.benchmarks.floor import MINILM, Shape, flops, matrix_rate
from tests.benchmarks.mix import LENGTHS, lengths, texts
from tests.benchmarks.relations import GROWTH, growing, plant, report, report_growth, words_a_mention


def test_operations_are_those_that_torch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import BertConfig, BertModel

    shape = Shape(layers=2, width=32, inner=48)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    model = BertModel(BertConfig(vocab_size=20, attn_implementation="eager", **sizes), add_pooling_layer=False).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(3, 17, dtype=torch.long))
    assert flops([17, 17, 17], shape) == counter.get_total_flops()


def test_operations_grow_with_the_square_of_a_length_only_in_attention() -> None:
    attention = 2 * MINILM.layers * 2 * MINILM.width
    assert flops([200]) - 2 * flops([100]) == attention * (200**2 - 2 * 100**2)


def test_the_rate_is_positive() -> None:
    assert matrix_rate(8, Shape(1, 16, 32), seconds=0.01) > 0


def test_the_mix_is_fixed_and_has_its_shares() -> None:
    drawn = lengths(1000)
    assert drawn == lengths(1000) and len(drawn) == 1000 and drawn != sorted(drawn)
    for share, least, most in LENGTHS:
        assert sum(least <= length <= most for length in drawn) == share * 1000


def test_texts_have_the_lengths_that_were_drawn() -> None:
    found = texts(50, lambda word: 1)
    assert found == texts(50, lambda word: 1)
    assert [len(text.split()) + 2 for text in found] == lengths(50)


def test_tables_and_medians() -> None:
    assert table(["name", "speed"], [["ours", "2"]]) == "| name | speed |\n|---|---:|\n| ours | 2 |"
    figures = Figures(wall=[3.0, 1.0, 2.0], cpu=[1.0])
    assert figures.median() == statistics.median([1, 2, 3]) and figures.median_cpu() == 1.0


MEASURED = ["inference", "opinions", "relations", "questions", "recommendation", "training", "adapters", "load", "showcase"]


@pytest.mark.parametrize("name", MEASURED)
def test_each_benchmark_says_how_it_is_run(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    module = importlib.import_module(f"tests.benchmarks.{name}")
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as stop:
        module.main()
    assert stop.value.code == 0
    assert f"python -m tests.benchmarks.{name}" in capsys.readouterr().out


def test_longer_texts_begin_with_the_shorter_ones() -> None:
    read = {words: growing(words) for words in GROWTH.values()}
    assert all(len(text.split()) == words for words, text in read.items())
    assert read[400].startswith(read[200]) and read[3200].startswith(read[1600])


def test_mentions_are_planted_only_where_a_text_has_words() -> None:
    words = torch.ones(2, 7, 5)
    words[1, 4:] = 0
    scores = plant(torch.zeros(2, 7, 6, 3), words, step=3)
    assert (scores > 0).nonzero()[:, :3].unique(dim=0).tolist() == [[0, 0, 0], [0, 3, 0], [0, 6, 0], [1, 0, 0], [1, 3, 0]]
    assert scores.abs().unique().numel() == 1
    assert words_a_mention() > 1


def test_what_relation_extraction_took_is_put_in_tables() -> None:
    ours, peer = Figures(wall=[2.0], cpu=[4.0], memory=600, first=3), Figures(wall=[8.0], cpu=[12.0], memory=900, first=5)
    said = report({"quipu": ours, "gliner": peer}, 64)
    assert "| quipu | 32.0 | 62.5 | 600 | 3.0 |" in said and "4.00 times gliner's documents/s (in processor time 3.00)" in said
    assert "| 400 | 90 | 1,200 | 2.00 | 5.00 | 600 |" in report_growth({"2x": ours}, {"2x": (90, 1200)})


def test_a_missing_peer_is_asked_for_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["relations"])
    with pytest.raises(SystemExit, match="pip install --no-deps gliner=="):
        relations.main()


def test_what_scans_took_is_put_in_a_table() -> None:
    def took(wall: float) -> dict[str, Figures]:
        return {name: Figures(wall=[times * wall], cpu=[2 * times * wall], memory=600) for name, times in (("quipu", 1), ("numpy", 3))}

    said = recommendation.report({10_000: took(1.0), 1_000_000: took(0.8)}, {10_000: took(0.02), 1_000_000: took(3.0)}, 1_000)
    assert "| 10,000 | quipu | 5.00 | 0.02 | 10.00 | 0.04 | 1.00 | 1.00 | 600 | 600 |" in said
    assert "| 1,000,000 | numpy | 120.00 | 9.00 | 240.00 | 18.00 | 3.00 | 3.00 | 600 | 600 |" in said
    assert said.endswith("quipu 8 and 150; numpy 8 and 150.")


@pytest.mark.parametrize("name", ["quipu", "numpy"])
@pytest.mark.parametrize("batch", [True, False])
def test_scans_work_on_few_items(name: str, batch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "one_by_one", lambda items: 3)
    options = argparse.Namespace(items=[40], users=2, threads=torch.get_num_threads(), batch=batch)
    recommendation.LOADERS[name](options)()


def test_implicit_is_asked_for_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["recommendation"])
    with pytest.raises(SystemExit, match="pip install implicit=="):
        recommendation.main()


def test_what_a_cold_start_took_is_put_in_a_table() -> None:
    rounds = [[("page", 4.0, 250.0), ("recommendation", 6.0 + more, 600.0), ("peak", 0.0, 700.0)] for more in (0, 9, 1)]
    together = showcase.median(rounds)
    said = showcase.report(together, {"recommendation": together})
    assert "| recommendation | 4.0 | 11.0 | 700 | 7.0 | 600 |" in said
    assert said.endswith("every app answered after 11.0 s, peak 700 MB.")
    assert "| page | 4.00 | 250 |" in showcase.report_steps(together)
