/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BB_CAPTURE_DOCTOR_H
#define BB_CAPTURE_DOCTOR_H

/**
 * bb_doctor - print what this kernel and these privileges allow, what is
 * missing, what is lost by it and the remedy. Return 0 when a diagnosis works
 * here, -EPERM or -ENOTSUP when it does not.
 */
int bb_doctor(void);

#endif
