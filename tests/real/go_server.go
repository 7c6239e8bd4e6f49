// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// An HTTP server that does a little work for each request: go_server PORT
package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
)

func answer(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256([]byte(r.URL.Path))
	for i := 0; i < 50; i++ {
		sum = sha256.Sum256(sum[:])
	}
	fmt.Fprintf(w, "%x\n", sum)
}

func main() {
	http.HandleFunc("/", answer)
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
	os.Exit(1)
}
