/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the states of the time budget. */
#include "state.h"

const char *bb_state__name(enum bb_state state)
{
	switch (state) {
#define X(id, name, text)                                                                          \
	case BB_STATE_##id:                                                                        \
		return name;
		BB_STATES(X)
#undef X
	case BB_STATE_MAX:
		break;
	}
	return "invalid";
}

const char *bb_state__text(enum bb_state state)
{
	switch (state) {
#define X(id, name, text)                                                                          \
	case BB_STATE_##id:                                                                        \
		return text;
		BB_STATES(X)
#undef X
	case BB_STATE_MAX:
		break;
	}
	return "not a state";
}
