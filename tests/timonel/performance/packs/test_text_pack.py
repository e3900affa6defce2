"""What is counted of texts."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from pack_sums import sums_of
from timonel.performance.packs.text import TextPack
from timonel.performance.value import State
from timonel.reference.scripts import SCRIPTS
from timonel.reference.texts import MOST_CHARACTERS, read_texts

PACK = TextPack()
WORDS = pa.array(["free", "call", "now", "привет"])


def _columns(texts):
    read = read_texts(pa.array(texts, pa.string()), WORDS)
    return {"tokens": read.tokens, "oov": read.oov, "script": read.script}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello Wörld, ça va?", "latin"),
        ("Привет, мир", "cyrillic"),
        ("καλημέρα", "greek"),
        ("مرحبا", "arabic"),
        ("汉字处理", "han"),
        ("これはカナです", "kana"),
        ("한국어 텍스트", "hangul"),
        ("नमस्ते दुनिया", "devanagari"),
        ("שלום", "other"),
        ("12:30 !!! 😀", "none"),
        ("", "none"),
        ("ok привет мир", "cyrillic"),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, script: str) -> None:
    """Digits, signs and emoji are no letters; the majority of letters decides."""
    assert SCRIPTS[_columns([text])["script"][0]] == script


ALPHABET = "abc XYZ.,!_-19éßжЯ中文😀\n\t'"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(ALPHABET, max_size=40), min_size=1, max_size=8))
def test_tokens_are_those_of_scikit_learn(texts: list[str]) -> None:
    """Words are counted as CountVectorizer's own tokens, known ones as its vocabulary has them."""
    analyse = CountVectorizer().build_analyzer()
    tokens = [analyse(text) for text in texts]
    words = sorted({word for found in tokens for word in found})[::2]
    read = read_texts(pa.array(texts, pa.string()), pa.array(words, pa.string()))
    assert read.tokens.tolist() == [len(found) for found in tokens]
    assert read.oov.tolist() == [sum(w not in words for w in found) for found in tokens]


def test_missing_and_endless_texts_are_bounded() -> None:
    """A missing text is unknown, an empty one has no token, a huge one is read from its beginning."""
    read = read_texts(pa.array([None, "", "now " * MOST_CHARACTERS]), WORDS)
    assert read.tokens.tolist() == [-1, 0, MOST_CHARACTERS // 4]
    assert read.oov.tolist() == [0, 0, 0]
    assert len(read_texts(pa.array([], pa.string()), WORDS).tokens) == 0


def test_chunks_of_work_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows are read at once, the columns are the same."""
    texts = ["free call", None, "привет unknown words", "", "x" * 500, "中文 now"] * 7
    whole = _columns(texts)
    monkeypatch.setattr("timonel.reference.texts.MOST_TOGETHER", 100)
    for name, column in _columns(texts).items():
        assert np.array_equal(column, whole[name]), name


def test_figures_are_exact() -> None:
    """Mean length, share of unknown tokens and of scripts are those of the rows; unknown texts aside."""
    rng = np.random.default_rng(0)
    tokens = rng.geometric(0.05, 3000).astype(np.int32) - 1
    oov = rng.binomial(tokens, 0.2).astype(np.int32)
    script = rng.choice(10, 3000).astype(np.int8)
    tokens[:100] = -1
    m = PACK.metrics(sums_of(PACK, {"tokens": tokens, "oov": oov, "script": script}), 900.0)
    there = tokens >= 0
    assert float(m["mean_tokens"]) == pytest.approx(tokens[there].mean())
    assert float(m["oov_rate"]) == pytest.approx(oov[there].sum() / tokens[there].sum())
    assert m["oov_rate"].n == 2900
    for i, name in enumerate(SCRIPTS):
        assert float(m[f"script_share[{name}]"]) == pytest.approx((script[there] == i).mean())
    for q in (50, 95):
        found = m[f"p{q}_tokens"]
        assert abs(float(found) - np.percentile(tokens[there], q)) <= found.bound + 1e-9


def test_the_interval_of_unknown_words_takes_texts_as_independent() -> None:
    """Unknown words come in bunches, text by text: the interval covers all the same."""
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        tokens = rng.poisson(20, 300).astype(np.int32) + 1
        strange = rng.random(300) < 0.1
        oov = rng.binomial(tokens, np.where(strange, 0.8, 0.05)).astype(np.int32)
        columns = {"tokens": tokens, "oov": oov, "script": np.zeros(300, np.int8)}
        found = PACK.metrics(sums_of(PACK, columns), 900.0)["oov_rate"]
        held += found.lower <= 0.1 * 0.8 + 0.9 * 0.05 <= found.upper
    assert 0.92 <= held / 400 <= 0.985


def test_empty_windows_have_no_data() -> None:
    """No text: no data. Texts without a word have a length of 0, and no rate of unknown words."""
    empty = PACK.metrics(sums_of(PACK, _columns([])), 900.0)
    assert {value.state for value in empty.values()} == {State.NO_DATA}
    missing = PACK.metrics(sums_of(PACK, _columns([None] * 20)), 900.0)
    assert {value.state for value in missing.values()} == {State.NO_DATA}
    blank = PACK.metrics(sums_of(PACK, _columns(["!!"] * 20)), 900.0)
    assert blank["mean_tokens"] == 0
    assert blank["oov_rate"].state is State.UNDEFINED
