/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "allowance.h"

#define PURPOSES 2 /* code and threads */

void bb_allowance__start(struct bb_allowance *a, uint64_t now)
{
	*a = (struct bb_allowance){ .credit = BB_ALLOWANCE_FIRST, .at = now };
}

void bb_allowance__look(struct bb_allowance *a, uint64_t now, size_t nr, bool last)
{
	if (now > a->at) {
		a->credit += (int64_t)((now - a->at) >> BB_ALLOWANCE_SHIFT);
		a->at = now;
	}
	if (a->credit > BB_ALLOWANCE_MOST)
		a->credit = BB_ALLOWANCE_MOST;
	a->left = a->credit;
	if (last)
		a->left += BB_ALLOWANCE_LAST;
	else if (a->left > BB_ALLOWANCE_LOOK)
		a->left = BB_ALLOWANCE_LOOK;
	a->each = a->left / PURPOSES / (int64_t)(nr ? nr : 1);
	if (a->each < BB_ALLOWANCE_EACH)
		a->each = BB_ALLOWANCE_EACH;
}

int64_t bb_allowance__grant(const struct bb_allowance *a, int64_t used)
{
	int64_t rest = a->each - used;

	return rest < a->left ? rest : a->left;
}

void bb_allowance__take(struct bb_allowance *a, int64_t ns)
{
	a->left -= ns;
	a->credit -= ns;
}
