# Everything a person does in a checkout. Each target makes .venv here and installs what it needs, pinned.
# Wanted on the machine: Python 3.11 or newer, and make; Debian's venv module is fetched where root may.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHONS := python3.11 python3 python3.12 python3.13
# Where several processes test at once, threads that spin while they wait take the others' cores.
CALM := OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1

.PHONY: help demo test check bench bench-peers docs reference smoke clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         train on the shipped clip art, evaluate, write the report"
	@echo "make test         every test, with coverage"
	@echo "make check        format, lint, types, and which room may import which"
	@echo "make docs         the documentation into site/"
	@echo "make reference    write docs/reference/ anew from the code"
	@echo "make smoke        the wheel that users install, in a bare environment"
	@echo "make bench        how fast this machine trains, beside Keras, PyTorch and torchvision;"
	@echo "                  MNIST=FOLDER (of IDX files) for the time to 99 % too"
	@echo "make bench-peers  the same job in other people's tools, in environments of their own"
	@echo "make clean        remove what these targets made"

$(READY): pyproject.toml constraints.txt tools/environment.sh
	@PYTHONS="$(PYTHONS)" sh tools/environment.sh $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt pip
	$(BIN)/pip install --quiet --constraint constraints.txt --build-constraint constraints.txt \
		--editable . --group test --group docs
	@touch $@

demo: $(READY)
	$(BIN)/pellucid demo

test: $(READY)
	$(CALM) $(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadgroup \
		--cov --cov-report=term:skip-covered

check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@sh tools/types.sh $(VENV)

bench: $(READY)
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.augment
	$(BIN)/python -m benchmarks.scratch $(if $(MNIST),--mnist "$(MNIST)")
	$(BIN)/python -m benchmarks.lab

bench-peers: $(READY)
	$(BIN)/python -m benchmarks.scratch --prepare
	$(BIN)/python -m benchmarks.peers

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: $(READY)
	$(BIN)/python tools/reference.py

smoke: $(READY)
	$(BIN)/python tools/smoke.py

clean:
	rm -rf $(VENV) .venv-* dist build site .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
