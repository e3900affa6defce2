"""A value with its interval, n and state."""

import json
import math

import pytest

from timonel.performance.value import Measured, NotMeasured, State


def test_a_value_works_as_a_number() -> None:
    """float, comparisons, sorting and formats go by the value."""
    low, high = Measured(0.7, 0.65, 0.75, 400), Measured(0.9, None, None, 10)
    assert float(low) == 0.7
    assert low < high
    assert low < 0.8 <= high
    assert low < 0.8
    assert low == 0.7
    assert low != high
    assert max(low, high) is high
    assert f"{low:.2f}" == "0.70"
    assert str(low) == "0.7 (0.65 to 0.75, n=400)"
    assert str(high) == "0.9 (n=10)"


@pytest.mark.parametrize("state", [s for s in State if s is not State.OK])
def test_what_is_unknown_is_no_number(state: State) -> None:
    """A metric without a value raises where a number is asked for, and says why and what to do."""
    unknown = Measured.absent(state, 3)
    for use in (float, lambda m: m < 0.5, lambda m: m <= 0.5, lambda m: f"{m:.2f}"):
        with pytest.raises(NotMeasured, match=f"(?s){state}.*n=3.*fix"):
            use(unknown)
    assert unknown != 0
    assert unknown == Measured.absent(state, 3)
    assert not unknown.ok
    assert str(unknown) == f"{state} (n=3)"


def test_nan_and_contradictory_states_cannot_be_made() -> None:
    """There is a finite value exactly if the state is ok."""
    for arguments in ((math.nan,), (None,), (0.5, math.inf), (0.5, None, None, 1, State.NO_DATA)):
        with pytest.raises(ValueError, match="Measured"):
            Measured(*arguments)


def test_it_goes_through_json() -> None:
    """to_dict and from_dict are inverse, by way of JSON."""
    for m in (Measured(0.7, 0.6, 0.8, 9), Measured.absent(State.IMMATURE, 2)):
        assert Measured.from_dict(json.loads(json.dumps(m.to_dict()))) == m
    assert hash(Measured(0.7)) == hash(0.7)
    assert Measured(0.7) != "0.7"
