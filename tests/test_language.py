"""The catalogues are complete and fit their sources, and the command that tells what lacks can tell it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps import components, language
from tests.interface_texts import PLACEHOLDER, spoken, texts
from tests.untranslated import covered, gone, missing

ROOT = Path(__file__).parents[1]


def test_all_is_translated_and_nothing_else() -> None:
    # In its own process because Gradio leaves sockets and loops open, which fail our tests.
    ran = subprocess.run([sys.executable, "-m", "tests.untranslated", "all"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    told = json.loads(ran.stdout or "{}")
    assert ran.returncode == 0, ran.stderr + json.dumps({name: told[name] for name in ("missing", "gone")}, ensure_ascii=False, indent=1)
    assert {"Detect events", "Your own event types (optional)", "Evidence", "The text does not say."} <= set(told["said"])


def test_a_new_text_is_missing_and_an_old_one_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    said = spoken()
    assert missing({"Detect events", "Paint the events blue", "{} purple events"}, "fr") == ["Paint the events blue", "{} purple events"]
    kept = {"Detect events": "a", "{0} events": "b", "Paint the walls in blue, then in green": "c"}
    monkeypatch.setattr(language, "catalogue", lambda code: kept)
    assert gone(said, "fr") == ["Paint the walls in blue, then in green"]


@pytest.mark.parametrize("code", language.CODES)
def test_translations_keep_the_placeholders_and_the_marks(code: str) -> None:
    for source, target in language.catalogue(code).items():
        assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(target)), source
        assert target.strip() and "<b" not in target, source
        assert source.count("\n") == target.count("\n"), source
        assert bool(re.search(r"…$", source)) == bool(re.search(r"…$", target)), source


def test_catalogues_have_the_same_texts() -> None:
    assert list(language.catalogue("es")) == list(language.catalogue("fr"))


def test_what_is_collected_from_code(tmp_path: Path) -> None:
    (tmp_path / "render_x.py").write_text(
        '"""About it."""\nHEADERS = ["By"]\nNAMES = {"a": "sharp"}\n'
        'def f(n, name):\n    """Docstring of it."""\n'
        "    return f'<p class=\"b\">{plural(n, \"copy\")} {\"is\" if n else \"are\"} left.<b translate=\"no\">Not this</b></p>'\n",
        encoding="utf-8",
    )
    assert spoken(tmp_path) == {"By", "sharp", "{} copy", "{} copies", "{} is left.", "{} are left."}


def test_texts_of_markup_leave_out_what_is_not_ours() -> None:
    kept = '<i translate="no">never <b>this</b><b translate="yes" aria-label="Sign">3</b></i>'
    made = f'<p title="Why">Yes{kept}<br>and `code` **bold** so</p>'
    assert list(texts(made)) == ["Why", "Yes", "Sign", "and", "bold", "so"]


def test_covered_sentence_by_sentence() -> None:
    keys = {"One {}.", "Two."}
    assert covered("One 3. Two.", keys) and covered("One {}. Two.", keys)
    assert not covered("One 3. Three.", keys) and not covered("Two", keys)


def test_the_head_holds_catalogues_that_cannot_end_their_script(monkeypatch: pytest.MonkeyPatch) -> None:
    assert language.head() in components.HEAD
    monkeypatch.setattr(language, "catalogue", lambda code: {"a": "</script><b>"})
    words = language.head().split('id="catalogues">')[1].split("</script>")[0]
    assert json.loads(words) == {code: {"a": "</script><b>"} for code in language.CODES}
