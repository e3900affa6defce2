"""The models of a server: one, for as long as it runs."""

from kserve.model_repository import ModelRepository


class Unsupported(NotImplementedError):
    """What this server does not do; KServe answers 501, over gRPC UNIMPLEMENTED."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OneModel(ModelRepository):  # type: ignore[misc]  # kserve publishes no types
    """KServe's repository without its unauthenticated load and unload."""

    def load(self, name: str) -> bool:
        """Nothing is loaded by a request: another version is another process."""
        return name in self.models

    def unload(self, name: str) -> None:
        """Nobody may take the model away by a request."""
        raise Unsupported(f"{name} is served until the process ends: unloading is not supported")
