"""Texts as they are watched: how long, how much of them is unknown, in which script."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.reference.scripts import NONE, SCRIPTS, dominant_scripts

MOST_CHARACTERS = 10_000
"""Of a longer text only the beginning is read."""
MOST_TOGETHER = 1 << 24
"""Characters that are read at once: the memory for it is bounded."""

# a word as scikit-learn's vectorisers have it: two letters, digits or underscores at least
_BETWEEN = r"[^\p{L}\p{M}\p{N}_]+"
_ENDS = r"^[^\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_]+$"


@dataclass(frozen=True, eq=False)
class TextColumns:
    """The columns of n texts."""

    tokens: NDArray[np.int32]
    """Words of two characters or more; -1 where there is no text."""
    oov: NDArray[np.int32]
    """Those of them that are not in the vocabulary."""
    script: NDArray[np.int8]
    """The writing system of most letters, by position in SCRIPTS."""


def read_texts(texts: pa.Array, vocabulary: pa.Array) -> TextColumns:
    """Read texts against the words that the model knows, in lower case.

    Args:
        texts: a string column.
        vocabulary: the words, strings; words of several tokens in it are of no use here.
    """
    parts = [_read(part, vocabulary) for part in _parts(texts.cast(pa.large_string()))]
    if not parts:
        return TextColumns(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8))
    tokens, oov, script = (np.concatenate(column) for column in zip(*parts, strict=True))
    return TextColumns(tokens, oov, script)


def _parts(texts: pa.Array) -> list[pa.Array]:
    """Runs of rows that are read at once."""
    cut = pc.utf8_slice_codeunits(texts, 0, MOST_CHARACTERS)
    length = pc.fill_null(pc.binary_length(cut), 0).to_numpy(zero_copy_only=False)
    run = np.cumsum(length) // MOST_TOGETHER
    starts = [*np.flatnonzero(np.diff(run, prepend=-1)), len(cut)]
    return [cut.slice(a, b - a) for a, b in pairwise(starts)]


def _read(texts: pa.Array, vocabulary: pa.Array) -> tuple[Any, Any, Any]:
    missing = texts.is_null().to_numpy(zero_copy_only=False)
    texts = texts.fill_null("")
    words = pc.split_pattern_regex(
        pc.replace_substring_regex(pc.utf8_lower(texts), _ENDS, ""), _BETWEEN
    )
    row = pc.list_parent_indices(words).to_numpy()
    flat = words.flatten()
    counted = pc.greater_equal(pc.utf8_length(flat), 2).to_numpy(zero_copy_only=False)
    known = pc.is_in(flat, vocabulary.cast(flat.type)).to_numpy(zero_copy_only=False)
    tokens = np.bincount(row[counted], minlength=len(texts)).astype(np.int32)
    oov = np.bincount(row[counted & ~known], minlength=len(texts)).astype(np.int32)
    script = dominant_scripts("".join(texts.to_pylist()), pc.utf8_length(texts).to_numpy())
    tokens[missing], oov[missing], script[missing] = -1, 0, NONE
    return tokens, oov, script


TOKENS, UNKNOWN_WORDS, SCRIPT = "(tokens)", "(unknown words)", "(script)"
"""The features that a text is watched by."""
MOST_WORDS = 50_000
FOLDS = 5


def words_of(texts: pa.Array) -> pa.Array:
    """The words of texts, the most frequent MOST_WORDS of them."""
    lowered = pc.utf8_lower(
        pc.utf8_slice_codeunits(texts.cast(pa.large_string()), 0, MOST_CHARACTERS)
    )
    words = pc.split_pattern_regex(lowered.fill_null(""), _BETWEEN).flatten()
    counts = pc.value_counts(words.filter(pc.greater_equal(pc.utf8_length(words), 2)))
    first = pc.sort_indices(counts.field(1), sort_keys=[("", "descending")])[:MOST_WORDS]
    return counts.field(0).take(first)


def text_features(read: TextColumns) -> dict[str, Any]:
    """Length, share of unknown words and script of each text; missing where there is none."""
    there = read.tokens >= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        unknown = np.where(read.tokens > 0, read.oov / read.tokens, np.nan)
    names = pa.array(SCRIPTS, pa.string())
    script = names.take(pa.array(np.where(there, read.script, 0)))
    return {
        TOKENS: np.where(there, read.tokens, np.nan),
        UNKNOWN_WORDS: np.where(there, unknown, np.nan),
        SCRIPT: pc.if_else(pa.array(there), script, pa.scalar(None, pa.string())),
    }


def crossed_features(texts: pa.Array) -> tuple[dict[str, Any], pa.Array]:
    """The features of a reference's texts, each fold against the words of the others; and all words.

    Against its own words no text would have an unknown one.
    """
    ends = np.linspace(0, len(texts), FOLDS + 1).astype(int)
    parts = []
    for start, end in pairwise(ends):
        others = pa.concat_arrays([texts.slice(0, start), texts.slice(end)])
        parts.append(read_texts(texts.slice(start, end - start), words_of(others)))
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("tokens", "oov", "script")
    )
    return text_features(TextColumns(*columns)), words_of(texts)
