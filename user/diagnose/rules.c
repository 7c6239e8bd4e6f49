// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rules.h"

const struct bb_rule_row bb_rules[BB_R_MAX] = {
#define X(id, name, value, text) [BB_R_##id] = { name, value, text },
	BB_RULES(X)
#undef X
};
