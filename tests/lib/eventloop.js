// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Node's loop: eventloop.js FORM. Prints "ready". As tests/lib/python/eventloops.py; FORM child
// waits for a child process, by a loop of libuv's own within a turn.
'use strict';
const fs = require('fs');
const path = require('path');
const { execSync } = require('child_process');

const form = process.argv[2];
const deeds = fs.openSync(path.join(__dirname, 'deeds'), 'a');
const word = new Int32Array(new SharedArrayBuffer(4));

function burn(ms) {
	const start = process.cpuUsage();
	for (;;) {
		const used = process.cpuUsage(start);
		if (used.user + used.system >= 1000 * ms) return;
	}
}

function did(what) {
	fs.writeSync(deeds, `${what} ${process.hrtime.bigint()}\n`);
}

setInterval(() => burn(0.5), 5);
if (form === 'busy') {
	setInterval(() => { Atomics.wait(word, 0, 0, 50); did('blocking'); }, 250);
	setInterval(() => { burn(30); did('computing'); }, 130);
}
if (form === 'child')
	setInterval(() => { execSync('sleep 0.05'); did('blocking'); }, 250);
console.log('ready');
