"""Writing systems of texts: the one that most letters of a text belong to."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCRIPTS = (
    "latin", "cyrillic", "greek", "arabic", "han", "kana", "hangul", "devanagari", "other", "none",
)  # fmt: skip
"""What the codes of `dominant_scripts` mean; none: a text without a letter."""
OTHER, NONE = 8, 9

_BLOCKS: dict[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x41, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xFF21, 0xFF5A)),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F)),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)),
    "devanagari": ((0x900, 0x97F), (0xA8E0, 0xA8FF)),
    "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FB)),
    "kana": ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "han": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
}
_PLANES = 0x32400
"""Code points from here on are read as one, a letter of no listed script."""


@cache
def _script_of() -> NDArray[np.uint8]:
    """The script of each code point: letters by their Unicode block."""
    table = np.full(_PLANES + 1, NONE, np.uint8)
    letters = np.fromiter((chr(c).isalpha() for c in range(_PLANES)), np.bool_, _PLANES)
    table[:-1][letters] = OTHER
    table[-1] = OTHER
    for script, blocks in _BLOCKS.items():
        for first, last in blocks:
            part = table[first : last + 1]
            part[part == OTHER] = SCRIPTS.index(script)
    return table


def dominant_scripts(text: str, lengths: NDArray[np.int64]) -> NDArray[np.int8]:
    """The script of most letters of each text; of equal ones the first in SCRIPTS.

    Args:
        text: all texts together.
        lengths: characters of each.
    """
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    script: Any = _script_of().take(points, mode="clip")
    row = np.repeat(np.arange(len(lengths)) * len(SCRIPTS), lengths)
    counts = np.bincount(row + script, minlength=len(lengths) * len(SCRIPTS))
    letters = counts.reshape(-1, len(SCRIPTS))[:, :NONE]
    most = letters.argmax(axis=1)
    return np.where(letters.any(axis=1), most, NONE).astype(np.int8)
