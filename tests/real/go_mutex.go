// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Eight goroutines that do all their work, a short computation and a pause of
// 200 us as of a slow device, under one sync.Mutex: go_mutex
package main

import (
	"sync"
	"syscall"
)

var (
	mutex sync.Mutex
	total uint64
)

func work() {
	pause := syscall.Timespec{Nsec: 200_000}
	for {
		mutex.Lock()
		for i := uint64(0); i < 20_000; i++ {
			total += i * i
		}
		// a real system call: time.Sleep would only park the goroutine
		_ = syscall.Nanosleep(&pause, nil)
		mutex.Unlock()
	}
}

func main() {
	for i := 0; i < 8; i++ {
		go work()
	}
	select {}
}
