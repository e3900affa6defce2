"""Registration in MLflow and the way back to a verified package, on a real MLflow on SQLite."""

import shutil
from pathlib import Path

import pytest

from examined import Examined, examined
from timonel.config import Config
from timonel.errors import BadInput, Corrupt, Unavailable
from timonel.package import Package
from timonel_components.evaluation.gates import GateReport, GateResult
from timonel_components.register import DIGEST_TAG, Registered, register
from timonel_components.registry import champion, resolve
from timonel_components.tracking.retry import Retry
from timonel_components.tracking.runs import Tracking

PASSED = GateReport(passed=True, results=())


@pytest.fixture(scope="module")
def made() -> Examined:
    """A logistic model of accidents."""
    return examined("accidents", "logistic")


@pytest.fixture(scope="module")
def config(made: Examined, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings at home in a folder of this module: making MLflow's tables takes its time."""
    home = str(tmp_path_factory.mktemp("registry"))
    storage = made.config.storage.model_copy(update={"directory": home})
    return made.config.model_copy(update={"storage": storage})


@pytest.fixture(scope="module")
def tracking(config: Config) -> Tracking:
    """MLflow on SQLite."""
    return Tracking(config, environment={})


@pytest.fixture(scope="module")
def packages(
    made: Examined, tracking: Tracking, tmp_path_factory: pytest.TempPathFactory
) -> list[Package]:
    """Two packages, each of a run."""
    folder = tmp_path_factory.mktemp("packages")
    runs = [tracking.open_run(name).id for name in ("first", "second")]
    return [made.package(folder / run, run_id=run) for run in runs]


@pytest.fixture(scope="module")
def registered(made: Examined, tracking: Tracking, packages: list[Package]) -> list[Registered]:
    """Both packages as versions."""
    return [register(p, made.evaluation, PASSED, tracking) for p in packages]


def test_the_first_version_becomes_champion_and_the_next_challenger(
    registered: list[Registered],
) -> None:
    """A champion keeps its alias; every new version challenges it."""
    assert registered == [
        Registered("accidents", 1, ("challenger", "champion")),
        Registered("accidents", 2, ("challenger",)),
    ]


@pytest.mark.usefixtures("registered")
def test_a_version_bears_its_origin(tracking: Tracking, packages: list[Package]) -> None:
    """Tags name the data, the code, the run, the gates and the package's digest."""
    version = tracking.client.get_model_version("accidents", "1")
    origin = packages[0].manifest.origin
    assert version.tags[DIGEST_TAG] == packages[0].digest
    assert version.tags["timonel.data.version"] == "7"
    assert version.tags["timonel.git.commit"] == "0a1b2c"
    assert version.tags["timonel.run"] == version.run_id == origin.run_id
    assert "timonel.gates" in version.tags


@pytest.mark.usefixtures("registered")
def test_mlflow_itself_shows_and_loads_the_version(made: Examined, tracking: Tracking) -> None:
    """The signature has the model's columns, and MLflow's own loader gives the pipeline."""
    import mlflow

    mlflow.set_tracking_uri(tracking.uri)
    info = mlflow.models.get_model_info("models:/accidents@champion")
    assert info.signature.inputs.input_names() == list(made.contract.model_order)
    loaded = mlflow.sklearn.load_model("models:/accidents@champion")
    assert type(loaded[-1]) is type(made.trained.pipeline[-1])


@pytest.mark.usefixtures("registered")
def test_the_same_package_is_registered_once(
    made: Examined, tracking: Tracking, packages: list[Package]
) -> None:
    """A rerun after a failure finds the version that is there."""
    again = register(packages[1], made.evaluation, PASSED, tracking)
    assert again.version == 2
    assert len(tracking.client.search_model_versions("name='accidents'")) == 2


def test_a_model_that_fails_its_gates_is_never_registered(
    made: Examined, tracking: Tracking, packages: list[Package]
) -> None:
    """The refusal names the gate with its numbers, and nothing reaches the registry."""
    before = len(tracking.client.search_model_versions())
    failed = GateResult(metric="roc_auc", expected="at least 0.9", actual="0.6", passed=False)
    with pytest.raises(BadInput, match=r"fails its gates: roc_auc: 0\.6, expected at least 0\.9"):
        register(
            packages[0], made.evaluation, GateReport(passed=False, results=(failed,)), tracking
        )
    assert len(tracking.client.search_model_versions()) == before


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("reference", "version"), [("champion", 1), ("challenger", 2), ("1", 1), ("2", 2)]
)
def test_an_alias_and_a_number_lead_to_the_package(
    config: Config, tracking: Tracking, packages: list[Package], reference: str, version: int
) -> None:
    """What comes back is the package that was registered, in the workspace."""
    got, package = resolve(config, reference, tracking=tracking)
    assert got == version
    assert package.digest == packages[version - 1].digest
    assert package.path.is_relative_to(config.home)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("reference", ["latest-and-greatest", "9"])
def test_what_does_not_exist_is_refused_with_what_does(
    config: Config, tracking: Tracking, reference: str
) -> None:
    """The message lists aliases and versions."""
    with pytest.raises(BadInput, match=f"accidents has no version {reference}") as error:
        resolve(config, reference, tracking=tracking)
    assert "challenger (2), champion (1)" in str(error.value)


def test_a_model_without_versions_has_no_champion(config: Config, tracking: Tracking) -> None:
    """None before the first registration; asking for a version says to train."""
    model = config.model.model_copy(update={"name": "unheard-of"})
    other = config.model_copy(update={"model": model})
    assert champion(other, tracking=tracking) is None
    with pytest.raises(BadInput, match="the registry has no model unheard-of"):
        resolve(other, "champion", tracking=tracking)


@pytest.mark.usefixtures("registered")
def test_a_spoilt_copy_is_fetched_anew(config: Config, tracking: Tracking) -> None:
    """The copy in the workspace is only trusted after its digests are checked."""
    _, package = resolve(config, "1", tracking=tracking)
    (package.path / "model.skops").write_bytes(b"spoilt")
    _, again = resolve(config, "1", tracking=tracking)
    assert again.digest == package.digest


@pytest.mark.usefixtures("registered")
def test_a_package_changed_in_the_store_is_refused(
    config: Config, tracking: Tracking, tmp_path: Path
) -> None:
    """Whoever changes the artifacts cannot change the digest that was registered."""
    version = tracking.client.get_model_version("accidents", "2")
    stored = Path(version.source.removeprefix("file://")) / "package" / "contract.json"
    kept = tmp_path / "contract.json"
    shutil.copy(stored, kept)
    shutil.rmtree(tracking.workspace.cache, ignore_errors=True)
    try:
        stored.write_text("{}")
        with pytest.raises(Corrupt, match=r"contract\.json has SHA-256"):
            resolve(config, "2", tracking=tracking)
        assert not any(tracking.workspace.cache.iterdir())
        stored.unlink()
        with pytest.raises(Corrupt, match=r"contract\.json is missing"):
            resolve(config, "2", tracking=tracking)
    finally:
        shutil.copy(kept, stored)


def test_a_registry_that_is_down_says_how_to_resume(config: Config, free_port: int) -> None:
    """After its attempts, and without a traceback of MLflow's."""
    storage = config.storage.model_copy(update={"tracking_uri": f"http://127.0.0.1:{free_port}"})
    down = config.model_copy(update={"storage": storage})
    quick = Retry(f"http://127.0.0.1:{free_port}", attempts=2, first=0.01)
    with pytest.raises(Unavailable, match="does not answer after 2 attempts"):
        resolve(down, "champion", tracking=Tracking(down, retry=quick, environment={}))


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
