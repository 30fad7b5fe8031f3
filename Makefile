PYTHON ?= python3
TOOLS = $(PYTHON) -m tools

help:
	@echo "make demo [EXIT=1]   send a broadcast to demo leads through the sandbox"
	@echo "make run             start Odoo with the addon and demo data"
	@echo "make stop            stop everything that this checkout started"
	@echo "make test [TAGS=…]   all tests; TAGS=unit, TAGS=process, or tags of Odoo's"
	@echo "make bench [ROWS=…]  measure beside peers; also OUT=file, SCALE, SEND_SECONDS"
	@echo "make faults          what happens when things break; ROWS=F1,F4 SEED=1"
	@echo "                     TIMES=50 (kills a point) SCALE=1 (of 1,000,000 people)"
	@echo "make lint            all static checks"
	@echo "make pot             export the texts, bring each language up to them"
	@echo "make clean           stop everything and remove .odoo/"
	@echo "Variables: ODOO_BIN (an Odoo 19), PGHOST … (a PostgreSQL), DEBIAN_MIRROR"

setup run stop clean pot:
	@$(TOOLS) $@

demo:
	@$(TOOLS) demo $(if $(EXIT),--exit)

test:
	@$(TOOLS) test $(if $(TAGS),--tags='$(TAGS)')

bench:
	@$(TOOLS) bench $(if $(OUT),--out='$(OUT)') $(if $(ROWS),--rows='$(ROWS)') \
		$(if $(SCALE),--scale='$(SCALE)') \
		$(if $(SEND_SECONDS),--send-seconds='$(SEND_SECONDS)')

lint:
	@$(TOOLS) lint

faults:
	@$(TOOLS) faults $(foreach name,ROWS SEED TIMES SCALE,$(if $($(name)),--$(shell \
		echo $(name) | tr A-Z a-z)='$($(name))'))

.PHONY: help setup run stop clean pot demo test bench lint faults
