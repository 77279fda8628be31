package conformance

import (
	"bytes"
	"fmt"

	"github.com/kinstream/kin/e2e/server"
)

// Report writes what the servers answered as a Markdown page: a table of checks
// and servers, then the reasons. outcomes[i] belongs to kinds[i].
func Report(kinds []server.Kind, outcomes [][]Outcome) []byte {
	var page bytes.Buffer
	page.WriteString("# Conformance of Kinesis servers\n\n" +
		"What local Kinesis servers answer to the same questions, asked by the plain SDK client. Written by\n" +
		"`make conformance`; a test fails when an answer changes. The right answers are from the service's\n" +
		"documentation and API model; the service itself was not asked.\n\n|")
	for _, kind := range kinds {
		fmt.Fprintf(&page, " %s |", kind.Name)
	}
	page.WriteString(" check |\n|")
	for range kinds {
		page.WriteString(" --- |")
	}
	page.WriteString(" --- |\n")
	right := make([]int, len(kinds))
	for c, check := range Checks() {
		page.WriteString("|")
		for k := range kinds {
			mark := "no"
			if len(outcomes[k]) > c && !outcomes[k][c].Known {
				mark = "yes"
				right[k]++
			}
			fmt.Fprintf(&page, " %s |", mark)
		}
		fmt.Fprintf(&page, " %s |\n", check.Name)
	}
	page.WriteString("|")
	for k := range kinds {
		fmt.Fprintf(&page, " **%d** |", right[k])
	}
	fmt.Fprintf(&page, " of %d |\n", len(Checks()))
	for k, kind := range kinds {
		if right[k] == len(Checks()) {
			continue
		}
		fmt.Fprintf(&page, "\n## %s\n\n", kind.Name)
		for _, o := range outcomes[k] {
			if o.Known {
				fmt.Fprintf(&page, "- %s: %s\n", o.Check, o.Reason)
			}
		}
	}
	return page.Bytes()
}
