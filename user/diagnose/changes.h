/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the mean of a series changes. */
#ifndef BB_DIAGNOSE_CHANGES_H
#define BB_DIAGNOSE_CHANGES_H

#include <stddef.h>

struct bb_series {
	const double *x; /* of point i in dimension d: [i * dims + d] */
	size_t dims;
	const double *weights; /* of each point; 1 is an ordinary one */
	size_t nr;
};

struct bb_change_opts {
	size_t least;   /* points of a part; of more than that, so many must be like it */
	size_t edge;    /* and before the first, and after the last */
	double penalty; /* sum of squares that a change must save at least */
};

/**
 * bb_changes__find - split the series where that saves more squared distance from the means of
 * the parts than it costs: a change costs the penalty, or where the points scatter more than
 * that, 2 v ln n for a variance of v.
 * @ends: room for nr; the index behind the last point of each part
 * Return the number of parts, 0 for an empty series; -ENOMEM.
 *
 * Optimal partitioning: Jackson et al. 2005, "An algorithm for optimal partitioning of data on an
 * interval". The penalty is Schwarz's criterion: Yao 1988, "Estimating the number of
 * change-points via Schwarz' criterion". The variance is half the mean square successive
 * difference, which a few changes hardly raise: von Neumann 1941.
 */
long bb_changes__find(const struct bb_series *s, const struct bb_change_opts *opts, size_t *ends);

#endif
