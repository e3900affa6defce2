# The detector: `timonel detect`. No shell, no package manager: Python, what it links to, locks/watch.txt.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /src
COPY locks/image.txt locks/watch.txt locks/
RUN python -m venv /opt/make \
 && /opt/make/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement locks/image.txt \
 && python -m venv --without-pip /opt/timonel \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-compile --no-deps \
    --require-hashes --requirement locks/watch.txt \
 # the detector writes the ledger and asks it nothing; its server watches no sources and opens no web sockets; 80 MB
 && /opt/make/bin/pip --python /opt/timonel/bin/python uninstall --yes duckdb pygments watchfiles websockets
COPY LICENSE README.md pyproject.toml ./
COPY timonel timonel
COPY serving serving
RUN /opt/make/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . ./serving \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-compile --no-deps --no-index \
    /wheels/*.whl
COPY scripts/image_root.py scripts/
RUN /opt/timonel/bin/python scripts/image_root.py --root /root-of-image --own /own timonel.cli.main \
    uvicorn.lifespan.on timonel_serving.detector.process timonel_serving.detector.outlets timonel_serving.detector.alibi.setup \
 && /opt/make/bin/cyclonedx-py environment --output-reproducible --output-file /own/opt/timonel/sbom.cdx.json \
    /opt/timonel/bin/python

FROM scratch
COPY --from=build /root-of-image /
COPY --from=build /own /
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="timonel/detector" \
      org.opencontainers.image.description="Takes the events of inferences, watches the model, writes the ledger" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/timonel/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TYPER_USE_RICH=0
WORKDIR /var/lib/timonel
USER 10001:10001
EXPOSE 9300
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/opt/timonel/bin/python", "-I", "-c", \
    "from urllib.request import urlopen as o; o('http://127.0.0.1:9300/healthz', timeout=4)"]
ENTRYPOINT ["/opt/timonel/bin/timonel", "detect"]
