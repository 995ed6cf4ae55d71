# Everything happens in web/run/bootstrap.py, which needs Python's standard library alone.
# 3.12 and 3.11 come first because an embedded Redis exists for them; each is tried, since a name may not run.
PYTHON := $(shell for python in python3.12 python3.11 python3 python3.13 python3.14; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$python"; break; }; done)

.PHONY: run test check lint bench lock setup reset simulate
simulate: ARGS := $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) $(ARGS)
run test check lint bench lock setup reset simulate:
	@test -n "$(PYTHON)" || { echo "Filodiretto needs Python 3.11 or newer and found none:" \
		"install it, or say where it is with 'make $@ PYTHON=/path/to/python3'." >&2; exit 1; }
	@exec "$(PYTHON)" web/run/bootstrap.py $@ $(ARGS)
