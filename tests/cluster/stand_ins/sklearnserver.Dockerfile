# KServe's class behind the name of its stock image, for clusters that cannot pull that one
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
ARG KSERVE
ARG SKLEARN
RUN pip install --quiet --no-cache-dir --disable-pip-version-check "kserve==${KSERVE}" "scikit-learn==${SKLEARN}"
COPY kserve_sklearn.py sklearnserver.py /
USER 1000
ENTRYPOINT ["python", "/sklearnserver.py"]
