"""KServe's scikit-learn server as its stock runtime starts it: `--model_name NAME --model_dir FOLDER`."""

import argparse

from kserve import ModelServer, model_server
from kserve_sklearn import SKLearnModel  # of benchmarks/, beside this file in the image

parser = argparse.ArgumentParser(parents=[model_server.parser])
parser.add_argument("--model_dir", required=True)
asked, _ = parser.parse_known_args()
ModelServer().start([SKLearnModel(asked.model_name, f"{asked.model_dir}/model.joblib")])
