package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure putting and getting",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.benchPutCommand(), a.benchGetCommand())
	return cmd
}

// The clients that a bench measures.
const (
	clientKin = "kin"
	clientSDK = "sdk"
)

// checkAgainst refuses anything but a client to compare with, or none.
func checkAgainst(against string) error {
	if against != "" && against != clientSDK {
		return usageErr(fmt.Sprintf("--against %q: no such client", against), "use sdk, or leave it out")
	}
	return nil
}

// benchRow is a line of a table: a figure of each client.
type benchRow struct {
	name  string
	cells []string
	ratio float64 // of the first to the second; 0 = not shown
}

// printBench prints rows under the names of the clients.
func (a *app) printBench(clients []string, rows []benchRow) error {
	header := append([]string{""}, clients...)
	if len(clients) > 1 {
		header = append(header, "RATIO")
	}
	table := make([][]string, 0, len(rows))
	for _, r := range rows {
		line := append([]string{r.name}, r.cells...)
		if r.ratio > 0 {
			line = append(line, fmt.Sprintf("%.2f", r.ratio))
		}
		table = append(table, line)
	}
	return a.printTable(header, table)
}

// ratioOf is the first value in proportion to the second, 0 if there are not two.
func ratioOf(values []float64) float64 {
	if len(values) < 2 || values[1] == 0 {
		return 0
	}
	return values[0] / values[1]
}

// benchOf are the results of a bench, one for each client.
type benchOf[R any] []R

// figure is a row of numbers with their ratio.
func (b benchOf[R]) figure(name string, text func(float64) string, of func(*R) float64) benchRow {
	values := each(b, of)
	row := benchRow{name: name, ratio: ratioOf(values)}
	for _, v := range values {
		row.cells = append(row.cells, text(v))
	}
	return row
}

// plain is a row of texts.
func (b benchOf[R]) plain(name string, of func(*R) string) benchRow {
	return benchRow{name: name, cells: each(b, of)}
}

// printJSON prints the results as one object each.
func (b benchOf[R]) printJSON(a *app) error {
	var errs []error
	for i := range b {
		errs = append(errs, a.printJSON(b[i]))
	}
	return errors.Join(errs...)
}

// each applies of to all results.
func each[R, V any](results []R, of func(*R) V) []V {
	values := make([]V, len(results))
	for i := range results {
		values[i] = of(&results[i])
	}
	return values
}

func wholeText(v float64) string { return thousands(int64(v + 0.5)) }

func megabytesText(v float64) string { return fmt.Sprintf("%.2f", v/1e6) }

// microsText writes microseconds of processor time; 0 is not known.
func microsText(v float64) string {
	if v == 0 {
		return "?"
	}
	return fmt.Sprintf("%.2f µs", v)
}

// checkBenchDuration refuses a bench without an end.
func checkBenchDuration(d time.Duration) error {
	if d <= 0 {
		return usageErr(fmt.Sprintf("--duration %v: must be more than 0", d), "use for example 10s")
	}
	return nil
}
