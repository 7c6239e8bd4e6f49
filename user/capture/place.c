// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "place.h"

#include <errno.h>
#include <string.h>

#include "maps.h"
#include "sockets.h"

struct locks {
	struct bb_lock *v;
	size_t nr;
};

static int name_locks(const struct bb_mapping *m, void *ctx)
{
	struct locks *l = ctx;

	for (size_t i = 0; i < l->nr; i++) {
		struct bb_lock *lock = &l->v[i];

		if (lock->place || lock->addr < m->start || lock->addr >= m->end)
			continue;
		lock->place = strdup(m->path[0] ? m->path : "[anonymous]");
		if (!lock->place)
			return -ENOMEM;
	}
	return 0;
}

int bb_place__locks(pid_t pid, struct bb_lock *locks, size_t nr)
{
	struct locks l = { locks, nr };
	int err = nr ? bb_maps__each(pid, name_locks, &l) : 0;

	return err == -ENOMEM ? err : 0;
}

int bb_place__waits(struct bb_process *p)
{
	struct bb_sockets *s = NULL;
	int err = 0;

	for (size_t i = 0; i < p->nr_threads && !err; i++) {
		for (size_t j = 0; j < p->threads[i].nr_waits && !err; j++) {
			struct bb_wait *w = &p->threads[i].waits[j];

			if (w->fd < 0 || p->kernel_thread)
				continue;
			if (!s) {
				/* read once, and only when somebody waited on a descriptor */
				err = bb_sockets__read(p->pid, &s);
				if (err)
					break;
			}
			bb_sockets__describe(s, w);
		}
	}
	bb_sockets__free(s);
	return err == -ENOMEM ? err : 0;
}
