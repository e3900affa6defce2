# The predictor: `timonel serve`. No shell, no package manager: Python, what it links to, locks/predictor.txt.
# With LOCK=explainer also models that ONNX cannot express, and `--explain`.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
ARG LOCK=predictor
WORKDIR /src
COPY locks/image.txt locks/${LOCK}.txt locks/
RUN python -m venv /opt/make \
 && /opt/make/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement locks/image.txt \
 && python -m venv --without-pip /opt/timonel \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-compile --no-deps \
    --require-hashes --requirement "locks/${LOCK}.txt"
COPY LICENSE README.md pyproject.toml ./
COPY timonel timonel
COPY serving serving
RUN /opt/make/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . ./serving \
 && /opt/make/bin/pip --python /opt/timonel/bin/python install --no-cache-dir --no-compile --no-deps --no-index \
    /wheels/*.whl
COPY scripts/image_root.py scripts/
RUN /opt/timonel/bin/python scripts/image_root.py --root /root-of-image --own /own timonel.cli.main \
    timonel_serving.launch timonel_serving.assemble timonel_serving.server uvicorn.lifespan.on \
 && /opt/make/bin/cyclonedx-py environment --output-reproducible --output-file /own/opt/timonel/sbom.cdx.json \
    /opt/timonel/bin/python

FROM scratch
COPY --from=build /root-of-image /
COPY --from=build /own /
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="timonel/predictor" \
      org.opencontainers.image.description="Serves a model package by V1, V2 and gRPC, on ONNX Runtime" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/timonel/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/timonel
USER 10001:10001
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/opt/timonel/bin/python", "-I", "-c", \
    "from urllib.request import urlopen as o; o('http://127.0.0.1:8080/v2/health/live', timeout=4)"]
ENTRYPOINT ["/opt/timonel/bin/timonel", "serve", "--host", "0.0.0.0"]
