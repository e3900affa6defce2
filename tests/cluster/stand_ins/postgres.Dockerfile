# PostgreSQL for a test cluster that no registry reaches; elsewhere its own image serves
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
COPY postgres.sh /postgres.sh
RUN useradd --uid 10001 --no-create-home mlflow
USER 10001:10001
ENTRYPOINT ["/postgres.sh"]
