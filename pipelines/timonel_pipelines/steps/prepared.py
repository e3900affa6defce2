"""What the first step hands to the others: the divided data, its contract, and the run they belong to."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from timonel.contract import DataContract
from timonel.files import write_text
from timonel_components.data.splits import Splits
from timonel_components.data.versions import DataVersion

CONTRACT, SPLITS, ABOUT, SETTINGS = "contract.json", "splits", "prepared.json", "timonel.yaml"


class About(BaseModel):
    """Where the data is from, and the tracking run that everything is recorded in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataVersion
    run_id: str
    commit: str | None


@dataclass(frozen=True)
class Prepared:
    """The directory of the first step's artifact."""

    directory: Path

    def save_data(self, splits: Splits, contract: DataContract) -> None:
        """Write the data and its contract."""
        self.directory.mkdir(parents=True, exist_ok=True)
        splits.save(self.directory / SPLITS)
        contract.save(self.directory / CONTRACT)

    def save_about(self, about: About) -> None:
        """Write where it comes from."""
        write_text(self.directory / ABOUT, about.model_dump_json(indent=2) + "\n")

    @property
    def splits(self) -> Splits:
        """The divided table."""
        return Splits.load(self.directory / SPLITS)

    @property
    def contract(self) -> DataContract:
        """The contract of the data."""
        return DataContract.load(self.directory / CONTRACT)

    @property
    def about(self) -> About:
        """Where it comes from."""
        return About.model_validate_json((self.directory / ABOUT).read_bytes())
