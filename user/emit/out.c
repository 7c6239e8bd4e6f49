/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Output with the first error kept. */
#include <errno.h>
#include <stdarg.h>

#include "out.h"

void bb_out__fail(struct bb_out *out, int err)
{
	if (!out->err)
		out->err = err;
}

void bb_out__write(struct bb_out *out, const char *s, size_t len)
{
	if (out->err || !len)
		return;
	errno = 0;
	if (fwrite(s, 1, len, out->file) != len)
		bb_out__fail(out, errno ? -errno : -EIO);
}

void bb_out__printf(struct bb_out *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (out->err)
		return;
	errno = 0;
	va_start(ap, fmt);
	n = vfprintf(out->file, fmt, ap);
	va_end(ap);
	if (n < 0)
		bb_out__fail(out, errno ? -errno : -EIO);
}

int bb_out__finish(struct bb_out *out)
{
	if (out->err)
		return out->err;
	errno = 0;
	if (fflush(out->file) || ferror(out->file))
		bb_out__fail(out, errno ? -errno : -EIO);
	return out->err;
}
