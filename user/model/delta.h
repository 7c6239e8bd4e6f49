/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The difference of two readings of one window: what happened between them. */
#ifndef BB_MODEL_DELTA_H
#define BB_MODEL_DELTA_H

#include "record.h"

/**
 * bb_record__subtract - take from @rec what @earlier, an earlier reading of the
 * same window, had counted already. Maxima cannot be taken apart and stay those
 * of the whole window. Threads that had ended in @earlier are dropped.
 */
void bb_record__subtract(struct bb_record *rec, const struct bb_record *earlier);

#endif
