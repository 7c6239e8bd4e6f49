/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Findings about several processes together: pools of processes that do not pay. */
#ifndef BB_DIAGNOSE_TREE_FINDINGS_H
#define BB_DIAGNOSE_TREE_FINDINGS_H

#include "findings.h"

/**
 * bb_tree_findings__of - what is to be found in all processes of @rec together. @f: filled; release
 * with bb_findings__free(). It points into the record. Return 0 or -ENOMEM.
 */
int bb_tree_findings__of(struct bb_findings *f, const struct bb_record *rec);

#endif
