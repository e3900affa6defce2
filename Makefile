# Everything a person runs; CI runs the same. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
EXAMPLE ?= accidents
PACKAGES := . components pipelines serving
EDITABLE := $(foreach p,$(PACKAGES),--editable $(p))
OWN := $(foreach p,timonel timonel-components timonel-pipelines timonel-serving,--no-emit-package $(p))
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate $(OWN)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# uv comes from the package index, hash-pinned as everything else
.venv/bin/uv: locks/uv.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@

.venv/installed: .venv/bin/uv locks/dev.txt $(foreach p,$(PACKAGES),$(p)/pyproject.toml)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r locks/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

.PHONY: install
install: .venv/installed ## everything into .venv, from the hash-pinned lock files

# Debian's; a test that needs one that is not there is skipped
TOOLS := prometheus prometheus-alertmanager chromium fonts-dejavu-core

.PHONY: tools
tools: ## what some tests run besides Python, by apt-get (needs root)
	@dpkg --status $(TOOLS) >/dev/null 2>&1 || { apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --no-install-recommends $(TOOLS); }

# Helm and kubectl are pinned by their hash as all else is; a cluster is talked to by what its owner has on PATH
.venv/tools/installed: .venv/installed locks/release.txt scripts/tools.sh
	scripts/tools.sh $(@D)
	@touch $@
WITH_TOOLS := PATH="$(CURDIR)/.venv/tools:$$PATH"

.PHONY: demo
demo: install ## the whole way on real data (EXAMPLE=accidents|employment|spam|fraud|ranking, INCIDENT=seed|...)
	$(BIN)/python examples/demo.py $(EXAMPLE) $(if $(INCIDENT),--incident $(INCIDENT))

.PHONY: demo-canary
demo-canary: install ## three releases behind a router: promoted, rolled back, taken back once labels came (STAY=1: left running)
	$(BIN)/python examples/canary.py $(if $(STAY),--stay)

.PHONY: up
up: install ## the demo, left running: prints the addresses, Ctrl-C stops it
	$(BIN)/python examples/demo.py $(EXAMPLE) --stay $(if $(INCIDENT),--incident $(INCIDENT))

.PHONY: test
test: install .venv/tools/installed ## the tests
	$(WITH_TOOLS) $(BIN)/python -m pytest

.PHONY: test-cluster
test-cluster: install ## the tests on the cluster of KUBECONFIG, which must have the images (make images)
	$(BIN)/python -m pytest tests/cluster -m "not alone" --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest tests/cluster -m alone

.venv/spark/installed: .venv/bin/uv locks/spark.txt
	@test -x .venv/spark/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/spark
	$(BIN)/uv pip install --quiet --python .venv/spark/bin/python --compile-bytecode --require-hashes -r locks/spark.txt
	$(BIN)/uv pip install --quiet --python .venv/spark/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: test-spark
test-spark: .venv/spark/installed ## the tests that need Apache Spark, in a venv of its own; needs Java 17
	.venv/spark/bin/python -m pytest tests/timonel/ledger/test_spark.py tests/timonel/fold/test_fold_spark.py

.venv/infra/installed: .venv/bin/uv locks/infra.txt infra/pyproject.toml
	@test -x .venv/infra/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/infra
	$(BIN)/uv pip install --quiet --python .venv/infra/bin/python --compile-bytecode --require-hashes -r locks/infra.txt
	@touch $@

.PHONY: test-infra
test-infra: .venv/infra/installed .venv/tools/installed ## the tests of the AWS stacks and the workflows, in a venv of their own; needs Node
	$(WITH_TOOLS) .venv/infra/bin/python -m pytest tests/infra tests/workflows

.PHONY: generate-infra
generate-infra: .venv/infra/installed ## rewrite the committed CloudFormation templates of all stages
	cd infra && JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1 ../.venv/infra/bin/python -m timonel_infra.golden

.PHONY: lint-infra
lint-infra: .venv/infra/installed ## mypy --strict on the AWS stacks and the platform's installer
	cd infra && ../.venv/infra/bin/mypy timonel_infra app.py

.PHONY: platform
platform: install ## the platform onto the cluster of KUBECONFIG (PARTS="..." some of it, DRY_RUN=1 renders it, CHARTS=dir)
	PYTHONPATH=infra $(BIN)/python -m timonel_infra.platform $(if $(DRY_RUN),--dry-run) $(if $(CHARTS),--charts $(CHARTS)) $(PARTS)

.PHONY: bench-serving
bench-serving: install ## the predictor beside KServe's sklearn server: CPU a request, latency, targets
	$(BIN)/python benchmarks/serving.py $(BENCH)

.PHONY: bench-ingest
bench-ingest: install ## the detector beside a server that only accepts: CPU an event, one by one and in batches, targets
	$(BIN)/python benchmarks/ingest.py $(BENCH)

.PHONY: bench-page
bench-page: install ## the monitor's page in Chromium with 90 days and 30 features: first byte, load event, target
	$(BIN)/python benchmarks/page.py $(BENCH)

.PHONY: bench-drift
bench-drift: install ## two_sample beside Alibi Detect (BSL 1.1, in a venv of its own): time a window, target
	@test -x .venv/alibi/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/alibi
	$(BIN)/uv pip install --quiet --python .venv/alibi/bin/python --editable '.[alibi]'
	OMP_NUM_THREADS=1 .venv/alibi/bin/python benchmarks/drift.py $(BENCH)

.PHONY: bench-anomalies
bench-anomalies: install ## false alarms a month on healthy traffic, and how fast injected incidents are found
	$(BIN)/python benchmarks/anomalies.py $(BENCH)

.PHONY: bench-scan
bench-scan: install ## false alarms and delays of drift.Scan on a year of traffic (10 minutes; BENCH=--quick: 2)
	$(BIN)/python benchmarks/scan.py $(BENCH)

.PHONY: bench-coverage
bench-coverage: install ## how often the 95 % intervals of the monitor's metrics hold the truth, by simulation
	$(BIN)/python benchmarks/interval_coverage.py $(BENCH)

.PHONY: bench-concept
bench-concept: install ## run lengths and delays of the detectors of concept drift
	$(BIN)/python benchmarks/concept.py $(BENCH)

.PHONY: bench-estimate
bench-estimate: install ## how often estimates of performance hold the truth, and are distrusted when they do not
	$(BIN)/python benchmarks/estimate.py $(BENCH)

.PHONY: bench-labels
bench-labels: install ## performance told from few, late and slow labels
	$(BIN)/python benchmarks/labels.py $(BENCH)

.PHONY: bench-gaps
bench-gaps: install ## realised less estimated accuracy: false alarms, and how soon a concept change shows (4 minutes)
	$(BIN)/python benchmarks/gaps.py $(BENCH)

.PHONY: bench-governor
bench-governor: install ## what the governor of retraining keeps and saves on real rows, and on rows without drift (12 minutes; BENCH=--quick: 4)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/governor.py $(BENCH)

.PHONY: bench-gates
bench-gates: install ## error rates and power of the gates between challenger and champion (2 minutes; BENCH=--quick: 20 s)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/gates.py $(BENCH)

.PHONY: bench-canary
bench-canary: install ## error rates of the canary's judge, beside common rules, and its speed (5 minutes; BENCH=--quick: 1)
	$(BIN)/python benchmarks/canary.py $(BENCH)

.PHONY: bench-paired
bench-paired: install ## labels until one more error in a hundred is found: pairs beside what each version served (2 minutes; BENCH=--quick)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/paired.py $(BENCH)

.PHONY: drills
drills: install ## every incident of the fault suite from healthy to recovered: diagnosed, acted on, over (10 minutes; BENCH="--only unit_change")
	$(BIN)/python benchmarks/drills/run.py $(BENCH)

.PHONY: bench-diagnosis
bench-diagnosis: install ## is every incident of the fault suite named: alone and in pairs: confusion matrix, abstentions, seconds (13 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/diagnosis/run.py $(BENCH)

.PHONY: bench-rollout-load
bench-rollout-load: install ## does a request fail because of a rollout: 20,000 over weight changes and promotions (5 minutes)
	$(BIN)/python benchmarks/rollout_load.py $(BENCH)

.PHONY: soak
soak: install ## detector and monitor under load for 10 minutes: is memory flat (BENCH='--minutes 1 --rate 200')
	$(BIN)/python benchmarks/soak.py $(BENCH)

.PHONY: bench-metrics
bench-metrics: install ## metrics of 10 million predictions beside DuckDB and Polars (in a venv of its own): time, memory, targets
	@test -x .venv/polars/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/polars
	$(BIN)/uv pip install --quiet --python .venv/polars/bin/python --constraint locks/dev.txt --editable . polars
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/tracking.py
	OMP_NUM_THREADS=1 .venv/polars/bin/python benchmarks/metrics.py $(BENCH)

.PHONY: bench-fold
bench-fold: install ## a synthetic ledger folded on all cores: rows a second and core, peak memory (BENCH="--rows 100000000 --days 30")
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/fold.py $(BENCH)

TAG ?= 0.1.0
BASE ?= python:3.11-slim-bookworm
DOCKERFILES := $(wildcard *.Dockerfile */*.Dockerfile)

.PHONY: images
images: ## timonel/NAME:TAG of each Dockerfile, by docker (TAG=, BASE= the Python image they start from, DOCKERFILES=)
	@$(foreach f,$(DOCKERFILES),docker build --network=host --build-arg BASE=$(BASE) --build-arg VERSION=$(TAG) --tag timonel/$(basename $(notdir $(f))):$(TAG) --file $(f) . ;)

.PHONY: lint
lint: install ## ruff, mypy --strict, import contracts, lock files and generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory check-lock check-generated

.PHONY: format
format: install ## rewrite the code as ruff would have it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCKS := dev components predictor watch explainer image release spark infra
LOCK_dev := pyproject.toml components/pyproject.toml pipelines/pyproject.toml serving/pyproject.toml --group dev --extra explain --extra sklearn --extra river --extra rollout
LOCK_components := components/pyproject.toml pipelines/pyproject.toml
# left out, 240 MB: `timonel serve` has no ledger, and kserve never imports the others that it asks for
NOT_SERVED := deltalake arro3-core duckdb grpcio-tools setuptools aiohttp aiohappyeyeballs aiosignal frozenlist multidict propcache yarl
LOCK_predictor := serving/pyproject.toml $(foreach p,$(NOT_SERVED),--no-emit-package $(p))
# detector and monitor: one lock, hence one layer of their images
LOCK_watch := pyproject.toml --group serving/pyproject.toml:watch
LOCK_image := --group image
# its dependencies are of Node: only its two binaries are used
LOCK_release := --group release --no-deps
LOCK_explainer := serving/pyproject.toml --extra explain
LOCK_spark := pyproject.toml --extra spark --group test --group build
LOCK_infra := infra/pyproject.toml --extra check
# delta-spark wants an importlib-metadata that nothing else has, checkov a boto3
ALIKE := $(filter-out dev spark infra,$(LOCKS))

.PHONY: lock
lock: .venv/bin/uv ## renew the lock files: keeps pins that still fit (UPGRADE=--upgrade renews all)
	@$(foreach l,$(LOCKS),echo locks/$(l).txt; $(COMPILE) $(UPGRADE) $(LOCK_$(l)) --output-file locks/$(l).txt $(if $(filter $(l),$(ALIKE)),--constraint locks/dev.txt);)

.PHONY: check-lock
check-lock: .venv/bin/uv
	@for l in $(LOCKS); do cp locks/$$l.txt .venv/lock-$$l.txt; done
	@$(foreach l,$(LOCKS),$(COMPILE) $(LOCK_$(l)) --output-file .venv/lock-$(l).txt $(if $(filter $(l),$(ALIKE)),--constraint locks/dev.txt);)
	@for l in $(LOCKS); do cmp -s locks/$$l.txt .venv/lock-$$l.txt || { echo "error: locks/$$l.txt is out of date with the pyproject.toml files: run 'make lock' and commit"; exit 1; }; done
	@echo "lock files are up to date"

# the flagship's rules in both forms, and the dashboard, into the directory $(1)
define alerts
	@$(BIN)/timonel alerts render -c examples/fraud/timonel.yaml --out $(1) $(2)
	@$(BIN)/timonel alerts render -c examples/fraud/timonel.yaml --format operator --out $(1) $(2)
	@$(BIN)/timonel alerts dashboard --out $(1) $(2)
endef

# what the chart carries: the dashboard, and the alerts of default settings for a model whose name it puts in
define chart-files
	@$(BIN)/timonel alerts dashboard --out $(1) >/dev/null
	@$(BIN)/timonel alerts render -c tests/chart/timonel.yaml > $(1)/timonel.rules.yaml
endef

define golden
	@$(WITH_TOOLS) helm template fraud helm/timonel --namespace ml --values tests/chart/values/$(1).yaml > tests/chart/goldens/$(1).yaml

endef

.PHONY: generate
generate: install .venv/tools/installed ## rewrite what is generated and committed: configuration schema, compiled pipelines, alerts, the chart's goldens
	$(BIN)/timonel schema > docs/reference/timonel.schema.json
	$(BIN)/timonel pipeline compile --out pipelines/compiled/timonel-train.yaml
	$(call alerts,manifests/monitoring)
	$(call chart-files,helm/timonel/files)
	$(if $(shell $(WITH_TOOLS) command -v helm),$(foreach v,$(wildcard tests/chart/values/*.yaml),$(call golden,$(basename $(notdir $(v))))))

.PHONY: check-generated
check-generated: install
	@$(BIN)/timonel schema | diff -u docs/reference/timonel.schema.json - || { echo "error: docs/reference/timonel.schema.json is out of date: run 'make generate' and commit"; exit 1; }
	@$(BIN)/timonel pipeline compile --out .venv/timonel-train.yaml 2>/dev/null
	@diff -u pipelines/compiled/timonel-train.yaml .venv/timonel-train.yaml || { echo "error: pipelines/compiled/timonel-train.yaml is out of date: run 'make generate' and commit"; exit 1; }
	@rm -rf .venv/monitoring
	$(call alerts,.venv/monitoring,>/dev/null)
	@for f in .venv/monitoring/*; do diff -u manifests/monitoring/$${f##*/} $$f || { echo "error: manifests/monitoring/$${f##*/} is out of date: run 'make generate' and commit"; exit 1; }; done
	@rm -rf .venv/chart && mkdir .venv/chart
	$(call chart-files,.venv/chart)
	@for f in .venv/chart/*; do diff -u helm/timonel/files/$${f##*/} $$f || { echo "error: helm/timonel/files/$${f##*/} is out of date: run 'make generate' and commit"; exit 1; }; done
	@echo "generated files are up to date"

.PHONY: docs
docs: install ## the documentation site, strict
	$(BIN)/mkdocs build --strict

.PHONY: clean
clean: ## remove what runs leave behind (not .venv)
	rm -rf .timonel site dist .mypy_cache .ruff_cache .pytest_cache examples/*/.timonel
