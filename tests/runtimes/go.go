// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A Go program of known truth.
//
//	go idle        waits for clients, with eight goroutines that wait for work
//	go serial      one goroutine computes
//	go compute     four goroutines compute, and make garbage
//	go net PORT    eight goroutines each ask a server and wait for its answer
//	go calls       four goroutines sleep in system calls of their own, and compute a little
//	go lock        three mutexes, each for two goroutines; prints how long they were waited for
//	go contended   four goroutines compute, each under one mutex
package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const rounds = 30

var sink []byte

func compute() {
	for {
		n := 0
		for i := 0; i < 200000; i++ {
			n += i * i
		}
		sink = make([]byte, 4096+n&1)
	}
}

func burn(long time.Duration) {
	for from := time.Now(); time.Since(from) < long; {
	}
}

func ask(port string) {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	b := make([]byte, 1)
	for {
		if _, err = conn.Write(b); err == nil {
			_, err = conn.Read(b)
		}
		if err != nil {
			panic(err)
		}
	}
}

func rest() {
	for {
		syscall.Nanosleep(&syscall.Timespec{Nsec: 20e6}, nil)
		burn(time.Millisecond)
	}
}

// A mutex, and how long it was waited for.
type lock struct {
	sync.Mutex
	waited time.Duration
	waits  int
}

// Only who has it writes.
func (l *lock) use(hold, gap time.Duration, done *sync.WaitGroup) {
	for i := 0; i < rounds; i++ {
		from := time.Now()
		l.Lock()
		if waited := time.Since(from); waited > 50*time.Microsecond {
			l.waited += waited
			l.waits++
		}
		time.Sleep(hold)
		l.Unlock()
		time.Sleep(gap)
	}
	done.Done()
}

func useLocks() {
	var done sync.WaitGroup
	locks := make([]lock, 3)
	for i := range locks {
		hold := time.Duration(i+1) * 4 * time.Millisecond
		done.Add(2)
		go locks[i].use(hold, hold/4, &done)
		go locks[i].use(hold, hold/4, &done)
	}
	done.Wait()
	for i := range locks {
		fmt.Printf("{\"lock\": %d, \"wait_ns\": %d, \"waits\": %d}\n", i, locks[i].waited,
			locks[i].waits)
	}
}

func underOne(l *sync.Mutex) {
	for {
		l.Lock()
		burn(5 * time.Millisecond)
		l.Unlock()
	}
}

func main() {
	switch os.Args[1] {
	case "idle":
		work := make(chan int)
		for i := 0; i < 8; i++ {
			go func() { <-work }()
		}
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println("ready")
		server.Accept()
	case "serial":
		go compute()
	case "compute":
		for i := 0; i < 4; i++ {
			go compute()
		}
	case "net":
		for i := 0; i < 8; i++ {
			go ask(os.Args[2])
		}
	case "calls":
		for i := 0; i < 4; i++ {
			go rest()
		}
	case "lock":
		useLocks()
		return
	case "contended":
		var l sync.Mutex
		for i := 0; i < 4; i++ {
			go underOne(&l)
		}
	}
	fmt.Println("ready")
	select {}
}
