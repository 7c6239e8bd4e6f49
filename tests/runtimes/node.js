// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A Node.js program of known truth.
//
//	node.js idle       waits for clients
//	node.js serial     computes
//	node.js compute    four worker threads compute
//	node.js net PORT   eight connections each ask a server and wait for its answer
'use strict';
const net = require('net');
const { Worker, isMainThread } = require('worker_threads');

function compute() {
	let n = 0;
	for (;;)
		n = (n * n + 1) % 1000003;
}

function ask(port) {
	const socket = net.connect(port, '127.0.0.1');
	socket.on('connect', () => socket.write('0'));
	socket.on('data', () => socket.write('0'));
}

const form = process.argv[2];
if (!isMainThread) {
	compute();
} else if (form === 'idle') {
	net.createServer().listen(0, '127.0.0.1', () => console.log('ready'));
} else if (form === 'serial') {
	console.log('ready');
	setImmediate(compute);
} else if (form === 'compute') {
	for (let i = 0; i < 4; i++)
		new Worker(__filename);
	console.log('ready');
} else if (form === 'net') {
	for (let i = 0; i < 8; i++)
		ask(Number(process.argv[3]));
	console.log('ready');
}
