# MLflow's server with what manifests/platform/mlflow needs of its `-full` image
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
ARG MLFLOW
RUN pip install --quiet --no-cache-dir --disable-pip-version-check "mlflow[auth]==${MLFLOW}" psycopg2-binary==2.9.10 boto3==1.40.61
USER 10001:10001
ENTRYPOINT ["mlflow"]
