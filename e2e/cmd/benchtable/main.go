// Command benchtable reads the output of go test -bench and prints what belongs
// together side by side: the servers, the codec, the reader, the producer and groups.
//
//	go test -bench . ./... | benchtable
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

// run prints the tables for the results in r.
func run(r io.Reader, w io.Writer) error {
	all, err := parse(r)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no results of benchmarks in the input")
	}
	for _, table := range []table{
		serverTable(all), codecTable(all), readerTable(all), producerTable(all), delayTable(all), consumerTable(all),
		groupTable(all), planTable(all),
	} {
		if err := table.write(w); err != nil {
			return err
		}
	}
	return nil
}
