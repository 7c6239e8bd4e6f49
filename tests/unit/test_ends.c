// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a thread blocked on, in words. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../../user/capture/ends.h"

#define NAME(s) .end = { .len = sizeof(s) - 1, .name = s }

static void inet_is(struct bb_end_key key, const char *label, enum bb_endpoint endpoint)
{
	struct bb_wait w = {};

	bb_end__inet(&key, &w);
	assert_string_equal(w.label, label);
	assert_int_equal(w.endpoint, endpoint);
	assert_false(w.local);
}

static void sockets_by_peer_or_port(void **state)
{
	struct bb_end_key key = {
		.family = AF_INET, .proto = IPPROTO_UDP, .peer = htons(53), .addr = { 10, 0, 0, 2 }
	};

	(void)state;
	inet_is(key, "udp out 10.0.0.2:53 (dns)", BB_END_OUTBOUND);
	key.peer = htons(5353);
	inet_is(key, "udp out 10.0.0.2:5353", BB_END_OUTBOUND);
	key.proto = IPPROTO_TCP;
	key.peer = htons(53);
	inet_is(key, "tcp out 10.0.0.2:53 (dns)", BB_END_OUTBOUND);
	key.family = AF_INET6;
	inet_is(key, "tcp out [a00:2::]:53 (dns)", BB_END_OUTBOUND);
	inet_is((struct bb_end_key){ .proto = IPPROTO_TCP, .local = 53 }, "tcp in :53",
		BB_END_INBOUND);
	inet_is((struct bb_end_key){ .proto = IPPROTO_TCP, .local = 80, .listens = 1 },
		"tcp listen :80", BB_END_LISTEN);
	inet_is((struct bb_end_key){ .proto = IPPROTO_UDP, .local = 53 }, "udp :53",
		BB_END_INBOUND);
	inet_is((struct bb_end_key){ .proto = IPPROTO_ICMP }, "ip :0", BB_END_UNKNOWN);
}

static void unix_is(struct bb_end_row row, struct bb_end_peer peer, const char *label,
		    enum bb_endpoint endpoint)
{
	struct bb_wait w = {};

	row.key.family = AF_UNIX;
	bb_end__unix(&row, &peer, &w);
	assert_string_equal(w.label, label);
	assert_int_equal(w.endpoint, endpoint);
	assert_true(w.local);
}

static void unix_sockets_by_name(void **state)
{
	struct bb_end_row out = { .key = { .peer = 1, .named = 1 }, NAME("/run/x.sock\0") };
	struct bb_end_row in = { .key = { .named = 1 }, NAME("/run/x.sock\0") };
	struct bb_end_row none = { .key = { .peer = 1 } };
	struct bb_end_peer postgres = { .pid = 123, .comm = "postgres" };

	(void)state;
	unix_is(out, postgres, "unix out /run/x.sock (postgres 123)", BB_END_OUTBOUND);
	unix_is(out, (struct bb_end_peer){ .pid = 123 }, "unix out /run/x.sock (process 123)",
		BB_END_OUTBOUND);
	unix_is(out, (struct bb_end_peer){}, "unix out /run/x.sock", BB_END_OUTBOUND);
	unix_is(in, (struct bb_end_peer){}, "unix in /run/x.sock", BB_END_INBOUND);
	in.key.listens = 1;
	unix_is(in, (struct bb_end_peer){}, "unix listen /run/x.sock", BB_END_LISTEN);
	unix_is(none, postgres, "socketpair with postgres (123)", BB_END_LOCAL);
	unix_is(none, (struct bb_end_peer){ .own = true }, "socketpair", BB_END_NONE);
	none.key.peer = 0;
	unix_is(none, (struct bb_end_peer){}, "unix", BB_END_LOCAL);
}

static void unix_names_of_no_file(void **state)
{
	struct bb_end_row row = { .key = { .named = 1 }, NAME("\0one\0two") };

	(void)state;
	unix_is(row, (struct bb_end_peer){}, "unix in @one@two", BB_END_INBOUND);
	assert_true(bb_end__has_name(&row.end, "@one@two"));
	assert_false(bb_end__has_name(&row.end, "@one@tw"));
}

static void long_names_by_their_ends(void **state)
{
	struct bb_end_row row = { .key = { .named = 1, .peer = 1 }, .end.len = 100 };
	struct bb_end_peer peer = { .pid = 4711, .comm = "fifteen-letters", .others = 12 };

	(void)state;
	/* the kernel's side keeps the end of it, here of "/run/aaa...a/b.sock" */
	memset(row.end.name, 'a', BB_END_NAME);
	memcpy(row.end.name + BB_END_NAME - 8, "/b.sock", 8);
	unix_is(row, peer, "unix out ...aaaaaaaaaaaaaaaaa/b.sock (fifteen-letters 4711) +12",
		BB_END_OUTBOUND);
	assert_true(bb_end__has_name(&row.end, "/run/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					       "aaaaaaaaaaaaaaaaaaaaaaaaa/b.sock"));
	assert_false(bb_end__has_name(&row.end, "/b.sock"));
}

static void pipes_by_process(void **state)
{
	struct bb_end_row row = { .key = { .family = BB_END_INODE, .proto = BB_FD_PIPE } };
	struct bb_end_peer sh = { .pid = 4711, .comm = "sh" }, none = {}, own = { .own = true };
	struct bb_wait w = {};

	(void)state;
	bb_end__pipe(&row, NULL, false, &sh, &w);
	assert_string_equal(w.label, "pipe from sh (4711)");
	assert_int_equal(w.endpoint, BB_END_LOCAL);
	sh.others = 2;
	bb_end__pipe(&row, NULL, true, &sh, &w);
	assert_string_equal(w.label, "pipe to sh (4711) +2");
	bb_end__pipe(&row, NULL, true, &own, &w);
	assert_string_equal(w.label, "pipe of its own");
	bb_end__pipe(&row, NULL, true, &none, &w);
	assert_string_equal(w.label, "pipe");
	strcpy(row.end.name, "requests");
	bb_end__pipe(&row, "/run/requests", true, &sh, &w);
	assert_string_equal(w.label, "fifo /run/requests to sh (4711) +2");
	bb_end__pipe(&row, NULL, true, &none, &w);
	assert_string_equal(w.label, "fifo requests");
}

static void files_by_path_or_name(void **state)
{
	struct bb_end_row row = { .key = { .family = BB_END_INODE,
					   .proto = BB_FD_FILE,
					   .inode = 4711,
					   .dev = 8 << 20 | 1 } };
	struct bb_wait w = {};

	(void)state;
	strcpy(row.end.name, "x.db");
	strcpy(row.end.name + BB_END_PARENT, "lib");
	bb_end__file(&row, "/var/lib/x.db", &w);
	assert_string_equal(w.label, "/var/lib/x.db");
	assert_int_equal(w.endpoint, BB_END_FILE);
	bb_end__file(&row, NULL, &w);
	assert_string_equal(w.label, ".../lib/x.db (8:1 inode 4711)");
	/* in the root of its file system */
	strcpy(row.end.name + BB_END_PARENT, "/");
	bb_end__file(&row, NULL, &w);
	assert_string_equal(w.label, ".../x.db (8:1 inode 4711)");
	/* cut where it was read */
	memset(row.end.name, 'n', BB_END_PARENT - 1);
	bb_end__file(&row, NULL, &w);
	assert_string_equal(w.label, ".../nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn... (8:1 inode 4711)");
	bb_end__file(&row,
		     "/a/path/that/is/longer/than/what/there/is/room/for/in/the/label/of/x.db", &w);
	assert_string_equal(w.label,
			    "...t/is/longer/than/what/there/is/room/for/in/the/label/of/x.db");
	row.key.proto = BB_FD_TTY;
	bb_end__file(&row, "/dev/pts/3", &w);
	assert_int_equal(w.endpoint, BB_END_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_by_peer_or_port),  cmocka_unit_test(unix_sockets_by_name),
		cmocka_unit_test(unix_names_of_no_file),    cmocka_unit_test(pipes_by_process),
		cmocka_unit_test(long_names_by_their_ends), cmocka_unit_test(files_by_path_or_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
