"""Three versions to release, made by Timonel's own components: one as good as the champion, and two worse."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cascade import cascade
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from timonel.config import Candidate, Config
from timonel.contract import FeatureReader
from timonel.package import Package, digest_files, seal_package
from timonel.workspace import Workspace
from timonel_components.data.versions import read_version
from timonel_components.evaluate import evaluate
from timonel_components.evaluation.gates import judge_gates
from timonel_components.ingest import ingest
from timonel_components.learning.scoring import encode_target
from timonel_components.package import origin, package
from timonel_components.register import DIGEST_TAG, register
from timonel_components.split import split
from timonel_components.tracking.runs import Tracking
from timonel_components.train import learn

NEIGHBOURS = 50
RISKY, NEWEST = 0.95, 5000
"""The cascade asks the neighbours above this quantile of its scores, of this many rows."""


@dataclass(frozen=True)
class Workshop:
    """Where versions are made: the settings, and the champion that they are held against."""

    config: Config
    champion: Package

    @property
    def _folder(self) -> Path:
        return self.config.home / "packages" / "made"

    def retrained(self, name: str, c: float) -> int:
        """A version like the champion but for its regularisation, past all gates; its number."""
        config, contract = self.config, self.champion.contract
        tracking = Tracking(config)
        with tracking.running(name) as run:
            data = ingest(config)
            parts = split(read_version(data), config)
            rows = (parts.train, parts.validation)
            learnt = learn(*rows, contract, config, Candidate.LOGISTIC, {"C": c})
            found = evaluate(learnt, parts.test, contract, config, self.champion)
            gates = judge_gates(found, config)
            made = origin(data, created_at=datetime.now(UTC), git_commit=None, run_id=run.id)
            common = (learnt, found, gates, parts.test, contract, config)
            sealed = package(*common, made, self._folder / name)
            return register(sealed, found, gates, tracking).version

    def turned_round(self) -> int:
        """A version whose labels a broken export had turned round.

        Every gate holds: the rows that it is examined on come from the same export.
        """
        source, target = Path(self.config.source), self.config.data.target
        table = pq.read_table(source)
        turned = pc.subtract(1, table[target]).cast(table[target].type)
        path = self.config.home / "turned_round.parquet"
        pq.write_table(table.set_column(table.column_names.index(target), target, turned), path)
        data = self.config.data.model_copy(update={"source": str(path)})
        shop = Workshop(self.config.model_copy(update={"data": data}), self.champion)
        return shop.retrained("turned_round", 1.0)

    def cascade(self) -> int:
        """A version without imputation, slow for risky rows, which never saw a gate; its number.

        A linear model fitted on the rows where nothing is missing; what it finds risky, the nearest
        of the past decide. `timonel train` would not export the graph: of a row with a missing value it
        says NaN. So it is put into the champion's package, and registered by MLflow's own client.
        """
        folder = self._folder / "cascade"
        shutil.copytree(self.champion.path, folder)
        for name in ("package.json", "model.skops"):
            (folder / name).unlink()
        (folder / "model.onnx").write_bytes(self._graph())
        changed = {"files": digest_files(folder)}
        sealed = seal_package(folder, self.champion.manifest.model_copy(update=changed))
        shutil.copytree(folder, Workspace.of(self.config).cache / sealed.digest)
        name, tags = self.config.model.name, {DIGEST_TAG: sealed.digest}
        tracking = Tracking(self.config)
        made = tracking.call("create_model_version", name, folder.as_uri(), tags=tags)
        return int(made.version)

    def _graph(self) -> bytes:
        contract = self.champion.contract
        table = read_version(ingest(self.config)).sort_by(str(self.config.data.time))
        rows = table.drop_null()
        numbers = FeatureReader(contract).from_table(rows).numeric
        target = encode_target(rows, contract)
        linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, target)
        cut = float(np.quantile(linear.predict_proba(numbers[-NEWEST:])[:, 1], RISKY))
        near = KNeighborsClassifier(NEIGHBOURS).fit(numbers, target)
        return cascade(linear, near, numbers.shape[1], cut)
