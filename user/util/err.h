/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Talk to the person at the terminal: stderr, one line a message. */
#ifndef BB_UTIL_ERR_H
#define BB_UTIL_ERR_H

#include <stdbool.h>

/**
 * bb_error - say what failed, for which object, why, and the remedy.
 * A consequence of an earlier message starts with "> ".
 */
void bb_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** bb_note - say something that is no error; nothing under --quiet. */
void bb_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** bb_talk_level - 0: errors only, 1: notes too (the default), 2: details (-v). */
void bb_talk_level(int level);

/** bb_talkative - are details wanted (-v)? */
bool bb_talkative(void);

#endif
