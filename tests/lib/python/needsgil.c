/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An extension module that does not say that it can do without the GIL: a
 * free-threaded CPython switches it on. With -DNEEDS_NONE it says that it can.
 */
#include <Python.h>

static PyModuleDef_Slot slots[] = {
#ifdef NEEDS_NONE
	{ Py_mod_gil, Py_MOD_GIL_NOT_USED },
#endif
	{ 0, NULL },
};

static struct PyModuleDef def = { PyModuleDef_HEAD_INIT, .m_name = NAME, .m_slots = slots };

PyMODINIT_FUNC INIT(void)
{
	return PyModuleDef_Init(&def);
}
