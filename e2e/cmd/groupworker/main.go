// Command groupworker runs one worker of a group by hand, as the tests of package group do: its
// handler writes what it is given to a log.
//
//	groupworker '{"endpoint": "http://127.0.0.1:4567", "streams": ["orders"], "group": "g", "name": "w1",
//	  "store": "dynamodb:http://127.0.0.1:8000", "log": "w1.log"}'
package main

import (
	"fmt"
	"os"

	"github.com/kinstream/kin/e2e/group/worker"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: groupworker SETTINGS, as JSON; see package worker")
		os.Exit(2)
	}
	os.Exit(worker.Main(os.Args[1], os.Stdin, os.Stderr))
}
