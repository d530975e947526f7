# Each target sets up what it needs: a virtual environment with the locked versions, made once.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
VENV := .venv
READY := $(VENV)/.ready
ALLPATH := $(VENV)/bin/allpath
# Where it is set, every worker and every command that a test starts would read all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-long faults theory-long browser figure lint types bench pairing docs calibration validation pages site clean

# The published case: an adult with relapse in marrow and CSF, two lines of CAR-T, then transplant. The first scenario
# is that pathway; each of the others omits one part of it: CAR-T, the second line, transplant after CAR-T.
ACADEMIC := scenarios/strategies/academic
CASE := $(ACADEMIC)/two_lines_then_transplant.yaml $(ACADEMIC)/car_t_withheld_for_cns.yaml \
	$(ACADEMIC)/one_line_then_transplant.yaml $(ACADEMIC)/two_lines_no_transplant.yaml \
	--set scenarios/populations/cns_combined.yaml

run: $(READY)
	@$(ALLPATH) compare $(CASE) --at "2 years" --at "5 years" \
		--outcome overall_survival --outcome infused --outcome transplanted \
		--draws 100 --structure scenarios/structural --report case.html

# A worker for each core, at most four. One worker runs all tests of a file, because they share simulated cohorts.
WORKERS := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(READY)
	@$(VENV)/bin/python -m pytest -m "not long" $(WORKERS)

# The tests that `make test` leaves out: larger cohorts, more random pathways, all calibration targets.
test-long: $(READY)
	@$(VENV)/bin/python -m pytest -m long $(WORKERS)

# Tests of the HTML page in a real browser: Chromium with its driver, as packaged by Debian.
browser: $(READY)
	@for p in chromium chromedriver; do command -v $$p >/dev/null 2>&1 || { \
		echo "make browser needs $$p; on Debian, as root: apt-get install chromium chromium-driver"; exit 1; }; done
	@$(VENV)/bin/python -m pytest tests/browser

# The figure of the README, taken from the page that `make run` writes; needs Chromium as well.
figure: $(READY)
	@$(VENV)/bin/python -m tests.browser.figure docs/survival.svg $(CASE)

faults: $(READY)
	@$(VENV)/bin/python -m tests.planted_faults.plant

# Mutated inputs: only the project's own errors may come out. `make fuzz MINUTES=5` for a short one.
.PHONY: fuzz
fuzz: $(READY)
	@$(VENV)/bin/python -m tests.fuzz.mutate --minutes $(or $(MINUTES),60)

# Lines and branches of sim/ that the tests reach. What is compiled is measured where it runs as ordinary Python.
.PHONY: coverage
coverage: $(READY)
	@rm -rf .cache/coverage; mkdir -p .cache/coverage
	@$(VENV)/bin/coverage run -m pytest -m "not long" $(WORKERS)
	@NUMBA_DISABLE_JIT=1 $(VENV)/bin/coverage run -m pytest tests/golden/test_golden.py -k "unchanged or recorded"
	@NUMBA_DISABLE_JIT=1 $(VENV)/bin/coverage run -m pytest tests/unit/engine/test_kernel.py \
		tests/unit/engine/test_resources.py tests/unit/economics
	@$(VENV)/bin/coverage combine --quiet
	@$(VENV)/bin/coverage report

# Random changes of the kernel, the SimPy engine, outcomes and economics: which ones do their tests notice?
.PHONY: mutation
mutation: $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0
	@$(VENV)/bin/python -m tests.mutation.sample --each $(or $(EACH),50)

# Commands interrupted at random moments, a full disk, missing rights. `make faults-survived RUNS=20 SEED=7` for fewer.
.PHONY: faults-survived
faults-survived: $(READY)
	@$(VENV)/bin/python -m tests.faults_survived --runs $(or $(RUNS),200) --seed $(or $(SEED),1)

theory-long: $(READY)
	@$(VENV)/bin/python -m tests.theory.queues docs/queues.md

lint: $(READY)
	@$(VENV)/bin/ruff check sim tests benchmarks
	@$(VENV)/bin/ruff format --check sim tests benchmarks

types: $(READY)
	@$(VENV)/bin/mypy

bench: $(READY)
	@$(VENV)/bin/python -m benchmarks

pairing: $(READY)
	@$(VENV)/bin/python -m benchmarks.pairing > docs/pairing.md.new
	@mv docs/pairing.md.new docs/pairing.md

# The strategies under all parameters and structural alternatives: docs/strategies.md and the answers of the README.
.PHONY: strategies
strategies: $(READY)
	@$(VENV)/bin/python -m tests.published.strategy_tables

docs: $(READY) pages strategies
	@$(VENV)/bin/python -m sim.scenario.language.schema > docs/reference.md
	@$(VENV)/bin/python -m tests.published.centre_tables > docs/centre.md
	@$(VENV)/bin/python -m tests.published.economic_tables docs/economics.md

validation: $(READY)
	@$(VENV)/bin/python -m tests.published.validation > docs/validation.md.new
	@mv docs/validation.md.new docs/validation.md

# The parameters of targets/assumed.yaml calibrated to all published results; writes calibrated.yaml and its draws.
TARGETS := $(filter-out %/sources.yaml,$(sort $(wildcard scenarios/targets/*.yaml)))
calibration: $(READY)
	@$(ALLPATH) calibrate scenarios/cn_academic.yaml $(TARGETS:%=--targets %) --method laplace --draws 500 --out calibrated.yaml --json calibrated.json --full

# The outputs that the pages and notebooks of the documentation show.
pages: $(READY)
	@$(VENV)/bin/python -m tests.pages
	@$(VENV)/bin/python -m tests.published_models.page
	@$(VENV)/bin/python -m tests.notebooks

# The documentation site, in the folder site/.
site: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict --quiet

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "allpath needs Python 3.11 or later; install it, or run make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Compiling the simulation kernel (once, about 15 seconds) ..."
	@$(VENV)/bin/python -m sim.engine.precompile
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist site .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
