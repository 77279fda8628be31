package leasetest_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

// flawVariable tells a process that TestSuiteFindsFlaws starts which flaw the store of TestSuite has.
const flawVariable = "LEASETEST_FLAW"

// flaws are mistakes that stores make, and a part of the suite that has to find each of them.
var flaws = map[string]string{
	"ignores revisions":                            "Update",
	"ignores owners":                               "Update",
	"compares and sets in two steps":               "Race",
	"takes each row with the revision for its own": "Lost/what_another_wrote",
	"does not know its own changes":                "Lost/a_change_that_was_made",
	"compares the times of checkpoints":            "Lost/the_time",
	"forgets the key":                              "Update/a_row_that_is_not_there",
	"stops at the first refusal":                   "Update/each_change",
	"returns results in the order of keys":         "Update/each_change",
	"announces nothing":                            "Version/rises",
	"announces before the change":                  "History",
	"announces checkpoints":                        "Version/stays",
	"announces what it refused":                    "Version/stays",
	"does not announce pins":                       "Version/rises",
	"does not announce the end":                    "Version/rises",
	"does not announce workers":                    "Version/rises_when_workers",
	"announces workers that stay":                  "Version/rises_when_workers",
	"raises the version in two steps":              "History",
	"raises the version at streams":                "Version/stays",
	"raises the version at heartbeats":             "Version/stays",
	"loads workers first":                          "History",
	"loads the version last":                       "History",
	"loads rows as they come":                      "Load",
	"shares its slices":                            "Load",
	"reads what it read before":                    "History|Update|Values|Version|PutStream|Load",
	"folds the names of groups":                    "Group/names",
	"folds the IDs of workers":                     "Values/IDs|Load",
	"makes groups by looking":                      "Group/comes|Beat/of_a_worker",
	"takes any name of a group":                    "Refusal",
	"takes any change":                             "Refusal",
	"takes any worker":                             "Refusal",
	"ignores contexts":                             "Context",
	"keeps seconds":                                "Values|Update",
	"takes no time for 1970":                       "Values",
	"keeps numbers as floating point":              "Values/large",
	"joins lists with commas":                      "Values",
	"cuts long texts":                              "Values/long",
	"trims spaces":                                 "Values",
	"forgets hash keys":                            "Update|Values",
	"rounds the TTL":                               "Join",
	"overwrites streams":                           "PutStream",
	"puts streams in two steps":                    "PutStream/of_many",
	"returns the stream that it was given":         "PutStream",
	"overwrites workers that join again":           "Join",
	"makes rows by heartbeats":                     "Beat/of_a_worker",
	"writes Draining with heartbeats":              "Beat|Drain",
	"does not write what is seen":                  "Beat",
	"takes the beat of the worker":                 "Beat",
	"makes rows by draining":                       "Drain/of_a_worker",
	"drains in two steps":                          "Drain/and_heartbeats",
	"forgets whatever the beat is":                 "Forget",
	"takes beat 0 for any":                         "Forget",
	"forgets in two steps":                         "Forget/and_a_heartbeat",
	"says that a missing worker is not gone":       "Forget",
	"names groups as they come":                    "Groups",
	"deletes leases only":                          "Delete",
	"deletes groups with the same beginning":       "Group/names",
	"gives each client a store of its own":         "",
}

// TestSuite proves that the suite passes a store without flaws, also one whose methods are not
// one step. In processes that TestSuiteFindsFlaws starts the store has a flaw.
func TestSuite(t *testing.T) {
	t.Parallel()
	flaw := os.Getenv(flawVariable)
	store := newNaive(flaw)
	leasetest.Run(t, func(testing.TB) lease.Store {
		if flaw == "gives each client a store of its own" {
			return memstore.New()
		}
		return store
	})
}

// TestSuiteFindsFlaws runs the suite against each flaw, in which it has to fail in the right place.
func TestSuiteFindsFlaws(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for flaw, where := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestSuite$", "-test.short="+short(flaw))
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			output, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes a store that %s:\n%s", flaw, output)
			}
			found := failedTests(string(output))
			if !slices.ContainsFunc(found, regexp.MustCompile("^("+where+")").MatchString) {
				t.Errorf("a store that %s fails in %q, want %s:\n%s", flaw, found, where, output)
			}
		})
	}
}

// short says whether a flaw shows itself in few rounds.
func short(flaw string) string {
	if strings.HasSuffix(flaw, "in two steps") || flaws[flaw] == "History" {
		return "false"
	}
	return "true"
}

// failedTests returns the subtests that failed by the output of go test; "" for the test itself.
func failedTests(output string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`--- FAIL: TestSuite/?(\S*)`).FindAllStringSubmatch(output, -1) {
		names = append(names, m[1])
	}
	return names
}
