// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// As many computing goroutines as CPUs, or as the argument says: go_parallel [N]
package main

import (
	"os"
	"runtime"
	"strconv"
)

var sink = make([]uint64, 1024)

func compute(at int) {
	x := uint64(at) + 88172645463325252
	for {
		for i := 0; i < 1_000_000; i++ {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		sink[at%1024] = x
	}
}

func main() {
	n := runtime.NumCPU()
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	for i := 0; i < n; i++ {
		go compute(i * 8)
	}
	select {}
}
