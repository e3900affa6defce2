"""A table against what it should be, and against the table before it."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from slices import Settings
from timonel.contract import infer_contract
from timonel.errors import BadInput
from timonel_components.validate import validate


def test_a_real_table_passes_without_notes(accidents: pa.Table, settings: Settings) -> None:
    """The contract lists the features in order, codes among the categories."""
    found = validate(accidents, settings())
    assert found.notes == ()
    assert found.contract.classes == (0, 1)
    assert [c.name for c in found.contract.categorical] == ["day_of_week", "twilight", "season"]
    assert found.contract.time_monotone


def test_the_same_table_fits_its_own_contract(accidents: pa.Table, settings: Settings) -> None:
    """A table held against its own contract has nothing to note."""
    config = settings()
    before = infer_contract(accidents, config)
    assert validate(accidents, config, before).notes == ()


def test_a_vanished_column_is_refused_by_name(accidents: pa.Table, settings: Settings) -> None:
    """A column that the model before used and that is gone is an error."""
    config = settings()
    before = infer_contract(accidents, config)
    with pytest.raises(BadInput, match="column humidity_pct: missing column"):
        validate(accidents.drop(["humidity_pct"]), config, before)


def test_a_column_given_up_on_purpose_is_not_missed(
    accidents: pa.Table, settings: Settings
) -> None:
    """data.drop and data.features say that a column is no longer wanted."""
    before = infer_contract(accidents, settings())
    less = accidents.drop(["humidity_pct"])
    dropped = settings(data={"drop": ["humidity_pct"]})
    assert validate(less, dropped, before).notes == ()
    few = settings(data={"features": ["temperature_f", "twilight"]})
    assert len(validate(less, few, before).contract.features) == 2


def test_a_changed_type_is_refused_by_name(accidents: pa.Table, settings: Settings) -> None:
    """Numbers that became words are schema drift, named by column."""
    config = settings()
    before = infer_contract(accidents, config)
    words = pc.fill_null(pc.cast(accidents["visibility_mi"], pa.string()), "far")
    place = accidents.column_names.index("visibility_mi")
    changed = accidents.set_column(place, "visibility_mi", words)
    with pytest.raises(BadInput, match="column visibility_mi: type: string, expected numeric"):
        validate(changed, config, before)


def test_new_values_and_columns_are_notes(accidents: pa.Table, settings: Settings) -> None:
    """Values beyond the contract before, and columns it did not know, are counted, not refused."""
    config = settings()
    before = infer_contract(accidents, config)
    heat = pc.add(accidents["temperature_f"], 300.0)
    dusk = pa.array(["Dusk", *accidents["twilight"].to_pylist()[1:]])
    changed = (
        accidents.set_column(accidents.column_names.index("temperature_f"), "temperature_f", heat)
        .set_column(accidents.column_names.index("twilight"), "twilight", dusk)
        .append_column("wind", pa.array([1.0] * accidents.num_rows))
    )
    notes = validate(changed, config, before).notes
    assert any(n.startswith("column wind is new") for n in notes)
    assert any("temperature_f" in n and "out of range" in n and "rows)" in n for n in notes)
    assert any("unseen category: 'Dusk'" in n for n in notes)


def test_other_classes_are_noted(settings: Settings, accidents: pa.Table) -> None:
    """A target that gained a class says so."""
    config = settings(model={"task": "multiclass"}, data={"positive": None})
    before = infer_contract(accidents, config)
    more = pa.array([2, *accidents["severe"].to_pylist()[1:]])
    changed = accidents.set_column(accidents.column_names.index("severe"), "severe", more)
    (note,) = validate(changed, config, before).notes
    assert note == "the target severe holds 0, 1, 2, before it held 0, 1"
