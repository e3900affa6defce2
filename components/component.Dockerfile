# The steps of training and retraining, on a cluster or by hand: `timonel`, with MLflow and Kubeflow's SDK.
# It keeps the base's shell: Kubeflow's launcher starts the steps of a pipeline by one.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /src
COPY locks/image.txt locks/components.txt locks/
RUN python -m venv /opt/make \
 && /opt/make/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement locks/image.txt \
 && python -m venv --without-pip /opt/timonel \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-deps --require-hashes \
    --requirement locks/components.txt
COPY LICENSE README.md pyproject.toml ./
COPY timonel timonel
COPY components components
COPY pipelines pipelines
RUN /opt/make/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels \
    . ./components ./pipelines \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl \
 && /opt/make/bin/cyclonedx-py environment --output-reproducible --output-file /opt/timonel/sbom.cdx.json \
    /opt/timonel/bin/python \
 && install --directory --owner=10001 --group=10001 /var/lib/timonel

FROM ${BASE}
COPY --from=build /opt/timonel /opt/timonel
COPY --from=build /var/lib/timonel /var/lib/timonel
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="timonel/component" \
      org.opencontainers.image.description="The steps of training, retraining and upkeep of the ledger" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/timonel/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/timonel
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
ENTRYPOINT ["/opt/timonel/bin/timonel"]
CMD ["--help"]
