// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';

// An HTTP server that hashes a little for each request: node_server.js PORT
const http = require('http');
const crypto = require('crypto');

http.createServer((request, response) => {
	let sum = Buffer.from(request.url);
	for (let i = 0; i < 20; i++)
		sum = crypto.createHash('sha256').update(sum).digest();
	response.end(sum.toString('hex') + '\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
