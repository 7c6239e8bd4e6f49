/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the verdicts, and the end of a diagnosis. */
#include <stdlib.h>
#include <string.h>

#include "bound.h"

#include "diagnosis.h"

const char *bb_bound__name(enum bb_bound b)
{
	switch (b) {
#define X(id, name)                                                                                \
	case BB_BOUND_##id:                                                                        \
		return name;
		BB_VERDICTS(X)
#undef X
	case BB_BOUND_MAX:
		break;
	}
	return "none";
}

const struct bb_findings *bb_diagnosis__findings(const struct bb_diagnosis *diag, size_t i)
{
	if (i == diag->nr_processes)
		return &diag->tree_findings;
	return diag->findings ? &diag->findings[i] : NULL;
}

const struct bb_what_ifs *bb_diagnosis__what_ifs(const struct bb_diagnosis *diag, size_t i)
{
	if (i == diag->nr_processes)
		return &diag->tree_what_ifs;
	return diag->what_ifs ? &diag->what_ifs[i] : NULL;
}

void bb_diagnosis__free(struct bb_diagnosis *diag)
{
	if (!diag)
		return;
	for (size_t i = 0; diag->findings && i < diag->nr_processes; i++)
		bb_findings__free(&diag->findings[i]);
	for (size_t i = 0; diag->what_ifs && i < diag->nr_processes; i++)
		bb_what_ifs__free(&diag->what_ifs[i]);
	free(diag->what_ifs);
	free(diag->units);
	bb_what_ifs__free(&diag->tree_what_ifs);
	free(diag->findings);
	bb_findings__free(&diag->tree_findings);
	for (size_t i = 0; diag->phases && i < diag->nr_processes + diag->has_tree; i++)
		bb_phases__free(&diag->phases[i]);
	free(diag->phases);
	free(diag->processes);
	free(diag->reasons);
	memset(diag, 0, sizeof(*diag));
}
