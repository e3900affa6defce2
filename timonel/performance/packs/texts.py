"""Texts as a text pack counts them: how long, how much of them is unknown, in which script."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.performance.packs.scripts import NONE, dominant_scripts

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
