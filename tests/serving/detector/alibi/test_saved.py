"""A saved detector is code unless it is only numbers: what is loaded, what is refused."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from object_store import object_store
from timonel.errors import BadInput, Corrupt, Unavailable
from timonel_serving.detector.alibi.saved import check, digest_of, fetch

NUMBERS = (
    'name = "KSDrift"\nx_ref = "x_ref.npy"\npreprocess_fn = "None"\n[meta]\nversion = "0.13.0"\n'
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """What save_detector writes of a KSDrift."""
    folder = tmp_path / "detector"
    folder.mkdir()
    (folder / "config.toml").write_text(NUMBERS)
    np.save(folder / "x_ref.npy", np.zeros((50, 2)))
    return folder


def test_numbers_are_taken(saved: Path) -> None:
    """Settings and a matrix need no trust; "None" is nothing."""
    assert "preprocess_fn" not in check(saved, digest=None, allow_pickle=False)


def dill(folder: Path) -> None:
    (folder / "preprocess_fn").mkdir()
    (folder / "preprocess_fn" / "function.dill").write_bytes(pickle.dumps(print))


def link(folder: Path) -> None:
    (folder / "y.npy").symlink_to(folder / "x_ref.npy")


def naming(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "config.toml").write_text(text + "\n" + NUMBERS) and None


UNSAFE = {
    "a function": dill,
    "a link": link,
    "a function elsewhere": naming('model = "/tmp/evil.dill"'),
    "a function in the working directory": naming('optimizer = "evil.dill"'),
    "a file outside": naming('c_ref = "../other/x.npy"'),
    "a model that a hub sends": lambda folder: (folder / "config.toml").write_text(
        NUMBERS + '[tokenizer]\nsrc = "who/knows"\n[tokenizer.kwargs]\ntrust_remote_code = true\n'
    ),
}


@pytest.mark.parametrize("harm", UNSAFE.values(), ids=UNSAFE)
def test_whatever_can_run_code_is_refused_unless_it_is_allowed(
    saved: Path, harm: Callable[[Path], object]
) -> None:
    """The message names the setting; with it the same detector is taken."""
    harm(saved)
    with pytest.raises(BadInput, match=r"runs any code[\s\S]*allow_pickle: true"):
        check(saved, digest=None, allow_pickle=False)
    check(saved, digest=None, allow_pickle=True)


def test_a_pinned_digest_finds_every_change(saved: Path) -> None:
    """One changed, added or renamed file is another detector."""
    pinned = digest_of(saved)
    check(saved, digest=pinned, allow_pickle=False)
    (saved / "x_ref.npy").rename(saved / "y_ref.npy")
    with pytest.raises(Corrupt, match="digest pins"):
        check(saved, digest=pinned, allow_pickle=False)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "no config.toml"),
        ("name = ", "not valid TOML"),
        (NUMBERS.replace("[meta]", "[update_x_ref]\nlast = 100\n[meta]"), "absorbs the drift"),
    ],
)
def test_what_is_no_usable_detector_is_told(saved: Path, config: str | None, message: str) -> None:
    """Missing or broken settings, and a reference that follows the windows."""
    (saved / "config.toml").unlink() if config is None else (saved / "config.toml").write_text(
        config
    )
    with pytest.raises(BadInput, match=message):
        check(saved, digest=None, allow_pickle=True)


@pytest.mark.parametrize("uri", ["pvc://claim/detector", "gs://bucket/detector", "https://x/y"])
def test_other_addresses_say_what_may_be_given(uri: str, tmp_path: Path) -> None:
    """A claim has to be mounted; other stores are not read."""
    with pytest.raises(BadInput, match=r"directory, file:// or s3://[\s\S]*mount the claim"):
        fetch(uri, tmp_path, {})


def test_a_detector_comes_from_an_object_store(saved: Path, tmp_path: Path) -> None:
    """Byte for byte, so that its digest is the same; an empty prefix and no store are told."""
    with object_store(tmp_path) as store:
        uris = [store.put(file, f"detectors/ks/{file.name}") for file in saved.iterdir()]
        uri = uris[0].rpartition("/")[0]
        assert digest_of(fetch(uri, tmp_path / "into", store.environment)) == digest_of(saved)
        with pytest.raises(BadInput, match="nothing is there"):
            fetch(uri + "x", tmp_path / "none", store.environment)
    with pytest.raises(Unavailable, match="cannot be read"):
        fetch(uri, tmp_path / "closed", store.environment)
