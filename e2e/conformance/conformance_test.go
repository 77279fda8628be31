package conformance_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/kinstream/kin/e2e/conformance"
	"github.com/kinstream/kin/e2e/server"
)

var update = flag.Bool("update", false, "rewrite docs/conformance.md from what the servers answered")

// TestConformance asks every server every question.
func TestConformance(t *testing.T) {
	t.Parallel()
	kinds := server.Kinds()
	outcomes := make([][]conformance.Outcome, len(kinds))
	t.Run("of", func(t *testing.T) {
		for i, kind := range kinds {
			t.Run(kind.Name, func(t *testing.T) {
				t.Parallel()
				outcomes[i] = conformance.Run(t, kind.Start(t))
			})
		}
	})
	if *update && !t.Failed() {
		for i, kind := range kinds {
			if len(outcomes[i]) == 0 {
				t.Fatalf("-update needs the answers of all servers; those of %s are missing", kind.Name)
			}
		}
		report := filepath.Join(server.Root(t), "docs", "conformance.md")
		if err := os.WriteFile(report, conformance.Report(kinds, outcomes), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeviations holds the lists of deviations to the checks that there are.
func TestDeviations(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range conformance.Checks() {
		if names[c.Name] {
			t.Errorf("two checks have the name %q", c.Name)
		}
		names[c.Name] = true
	}
	for _, kind := range server.Kinds() {
		known, err := conformance.Deviations(kind.Name)
		if err != nil {
			t.Fatal(err)
		}
		for name := range known {
			if !names[name] {
				t.Errorf("deviations of %s: no check has the name %q", kind.Name, name)
			}
		}
		if kind.Name == "kintest" && len(known) > 0 {
			t.Errorf("kintest has %d deviations, want none: our own server answers everything right", len(known))
		}
	}
}
