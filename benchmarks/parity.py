"""How the ONNX graphs of the examples' models compare with scikit-learn: a Markdown table.

    python benchmarks/parity.py

Every candidate of every example is trained with its default settings and compared as packaging compares
it: on up to 5,000 real test rows and on rows with missing, unseen and extreme values.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from timonel.config import Candidate, Config, load_config
from timonel.contract import DataContract, FeatureReader
from timonel_components.conversion.onnx_export import OnnxExport, export_onnx
from timonel_components.data.splits import Splits
from timonel_components.data.versions import read_version
from timonel_components.ingest import ingest
from timonel_components.split import split
from timonel_components.train import train
from timonel_components.validate import validate

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Print the table, a row as soon as it is known."""
    print(
        "| example | candidate | rows compared | greatest difference | beyond 0.00001 | served by |"
    )
    print("|---|---|---|---|---|---|")
    for path in sorted(EXAMPLES.glob("*/timonel.yaml")):
        with tempfile.TemporaryDirectory() as folder:
            for line in rows(path, Path(folder)):
                print(line, flush=True)


def rows(path: Path, folder: Path) -> Iterator[str]:
    """The table's rows of one example."""
    config = settings(path, folder)
    table = read_version(ingest(config))
    contract, splits = validate(table, config).contract, split(table, config)
    for candidate in config.candidates:
        yield row(path.parent.name, candidate, export(splits, contract, config, candidate))


def settings(path: Path, folder: Path) -> Config:
    """The example's settings, without a search, its data versions in a folder of ours."""
    config = load_config(path)
    return config.model_copy(
        update={
            "train": config.train.model_copy(update={"trials": 1}),
            "storage": config.storage.model_copy(update={"directory": str(folder)}),
        }
    )


def export(
    splits: Splits, contract: DataContract, config: Config, candidate: Candidate
) -> OnnxExport:
    """Train a candidate and try to turn it into a graph."""
    trained = train(splits, contract, config, candidate)
    return export_onnx(trained.pipeline, contract, FeatureReader(contract).from_table(splits.test))


def row(example: str, candidate: Candidate, found: OnnxExport) -> str:
    """A row of the table."""
    backend = "ONNX Runtime" if found.graph is not None else "scikit-learn"
    if found.parity is None:
        return f"| {example} | `{candidate}` | | | | {backend}: {found.reason} |"
    p = found.parity
    return f"| {example} | `{candidate}` | {p.rows:,} | {p.greatest:.1e} | {p.notable:.2%} | {backend} |"


if __name__ == "__main__":
    main()
