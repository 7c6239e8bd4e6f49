// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The steps lead to the verdict that was given, and nowhere else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/diagnose/explain.h"
#include "../lib/golden.h"

/* Of a process as of a tree. */
static void follows(const struct bb_reason *r, const struct bb_verdict *v)
{
	double confidence = v->by_lead, total = 0, busy = NAN;
	enum bb_stage stage = BB_STAGE_FACTS;
	struct bb_steps s;

	bb_explain__of(&s, r, v);
	assert_in_range(s.nr, 10, BB_STEPS_MAX - 1);
	for (int b = 0; b < BB_BOUND_MAX; b++)
		total += r->amounts.of[b];
	for (size_t i = 0; i < s.nr; i++) {
		const struct bb_step *step = &s.items[i];
		size_t name = strcspn(step->text, ":");

		/* in order, and nothing is cut */
		assert_true(step->stage >= stage);
		stage = step->stage;
		assert_true(strlen(step->text) < sizeof(step->text) - 1);
		assert_true(step->rule <= BB_R_MAX);
		if (step->stage == BB_STAGE_CONFIDENCE && !strcmp(step->unit, "factor"))
			confidence *= step->value;
		if (step->stage == BB_STAGE_COMPONENTS && !strncmp(step->text, "at work", name))
			busy = step->value;
		for (int b = 0; b < BB_BOUND_IDLE; b++) {
			if (strlen(bb_bound__name(b)) != name ||
			    strncmp(step->text, bb_bound__name(b), name))
				continue;
			if (step->stage == BB_STAGE_AMOUNTS && total > 0)
				assert_true(fabs(step->value / total * v->busy - v->components[b]) <
					    1e-9);
			if (step->stage == BB_STAGE_COMPONENTS)
				assert_true(step->value == v->components[b]);
		}
	}
	assert_true(busy == v->busy);
	assert_true(fabs(confidence - v->confidence) < 1e-9);
	assert_true(s.items[s.nr - 1].value == v->confidence);
}

static void every_sample_is_explained(void **state)
{
	struct bb_diagnosis diag;
	struct sample s;

	(void)state;
	for (int id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		assert_int_equal(bb_diagnose(s.rec, &diag), 0);
		for (size_t i = 0; i < s.rec->nr_processes; i++)
			follows(&diag.reasons[i], &diag.processes[i]);
		if (diag.has_tree)
			follows(&diag.reasons[s.rec->nr_processes], &diag.tree);
		bb_diagnosis__free(&diag);
		sample__free(&s);
	}
}

/* What the reader sees; with the advice that a diagnosis has. */
static void golden_explanations(void **state)
{
	static const enum sample_id ids[] = { SAMPLE_GIL, SAMPLE_LOSSES, SAMPLE_TREE, SAMPLE_IDLE,
					      SAMPLE_HOSTILE };
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char name[64], *text;

	(void)state;
	opts.explain = true;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		sample__make(ids[i], &s);
		bb_diagnosis__free(&s.diag);
		assert_int_equal(bb_diagnose(s.rec, &s.diag), 0);
		text = render(bb_emit__text, &s, &opts);
		assert_non_null(strstr(text, "How the verdict was reached"));
		/* advice may quote the target */
		for (const char *c = text; *c; c++)
			assert_true(*c == '\n' || ((unsigned char)*c >= 0x20 && *c != 0x7f));
		snprintf(name, sizeof(name), "explained-%s.txt", s.name);
		golden__check(name, text);
		free(text);
		text = render(bb_emit__json, &s, &opts);
		snprintf(name, sizeof(name), "explained-%s.json", s.name);
		golden__check(name, text);
		free(text);
		/* nobody asked */
		opts.explain = false;
		text = render(bb_emit__text, &s, &opts);
		assert_null(strstr(text, "How the verdict was reached"));
		free(text);
		opts.explain = true;
		sample__free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_explained),
		cmocka_unit_test(golden_explanations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
