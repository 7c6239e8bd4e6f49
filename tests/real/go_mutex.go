// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Eight goroutines that write to one journal, a record and an fsync at a time,
// under one sync.Mutex: go_mutex FILE
package main

import (
	"fmt"
	"os"
	"sync"
)

var (
	mutex  sync.Mutex
	record [4096]byte
)

func work(journal *os.File) {
	for {
		mutex.Lock()
		_, err := journal.WriteAt(record[:], 0)
		if err == nil {
			err = journal.Sync()
		}
		mutex.Unlock()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

func main() {
	journal, err := os.Create(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; i < 8; i++ {
		go work(journal)
	}
	select {}
}
