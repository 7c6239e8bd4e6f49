// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "sockets.h"

int bb_place__locks(pid_t pid, struct bb_lock *locks, size_t nr)
{
	char path[64], *maps, *line, *save = NULL;

	if (!nr)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = bb_procfs__read(path, NULL);
	if (!maps)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (line = strtok_r(maps, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long from, to;
		int name = 0;

		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &name) < 2 || !name)
			continue;
		for (size_t i = 0; i < nr; i++) {
			if (locks[i].place || locks[i].addr < from || locks[i].addr >= to)
				continue;
			locks[i].place = strdup(line[name] ? line + name : "[anonymous]");
			if (!locks[i].place) {
				free(maps);
				return -ENOMEM;
			}
		}
	}
	free(maps);
	return 0;
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
