# What releases a model from inside the cluster: scripts/release.py, the chart, Helm and kubectl.
# Both binaries are for amd64: the package that they come in has no others.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /src
COPY locks/release.txt locks/
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN pip download --no-cache-dir --no-deps --require-hashes --requirement locks/release.txt --dest wheels \
 && python -m zipfile -e wheels/*.whl wheel \
 && mkdir archive \
 && tar --extract --gzip --file wheel/aws_cdk/*/_jsii/*.tgz --directory archive \
 && python -m zipfile -e archive/package/lib/layer.zip /tools \
 && chmod 0755 /tools/helm/helm /tools/kubectl/kubectl \
 && /tools/helm/helm version --short \
 && install --directory --owner=10001 --group=10001 /var/lib/timonel

FROM ${BASE}
COPY --from=build /tools/helm/helm /tools/kubectl/kubectl /usr/local/bin/
COPY --from=build /var/lib/timonel /var/lib/timonel
COPY helm/timonel /opt/timonel/helm/timonel
COPY scripts/release.py /opt/timonel/
COPY scripts/releasing /opt/timonel/releasing
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="timonel/release" \
      org.opencontainers.image.description="Releases a version by Helm, as the canary's judge decides" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV HOME=/tmp \
    HELM_CACHE_HOME=/tmp/helm/cache \
    HELM_CONFIG_HOME=/tmp/helm/config \
    HELM_DATA_HOME=/tmp/helm/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/timonel
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
ENTRYPOINT ["python", "/opt/timonel/release.py"]
CMD ["--help"]
