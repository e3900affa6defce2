"""KServe's own sklearn server, as `python/sklearnserver` of the KServe repository has it.

That package is not published, so its model class is repeated here: load by joblib, read the payload
with `get_predict_input`, answer with `get_predict_response`. All else is KServe's, at its defaults.

    python kserve_sklearn.py --model_name bench --http_port 8080 --enable_grpc false MODEL.joblib
"""

import sys
from typing import Any

import joblib
from kserve import Model, ModelServer
from kserve.errors import InferenceError
from kserve.utils.utils import get_predict_input, get_predict_response


class SKLearnModel(Model):  # type: ignore[misc]  # kserve publishes no types
    """A scikit-learn model behind KServe."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self._model = joblib.load(path)
        self.ready = True

    def predict(self, payload: Any, headers: dict[str, str] | None = None) -> Any:
        """Predict labels."""
        try:
            result = self._model.predict(get_predict_input(payload))
            return get_predict_response(payload, result, self.name)
        except Exception as error:
            raise InferenceError(str(error)) from error


if __name__ == "__main__":
    ModelServer().start([SKLearnModel("bench", sys.argv[-1])])
