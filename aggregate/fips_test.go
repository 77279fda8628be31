package aggregate_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

func TestWorksWhereMD5IsForbidden(t *testing.T) {
	t.Parallel()
	const mark = "KIN_AGGREGATE_FIPS"
	if os.Getenv(mark) != "" {
		p := build(user("pk-1", "", "hello"), user("pk-2", "7", "world!")).Pack(nil)
		wantLines(t, collect(t, p.Data), `0 pk-1/ "hello"`, `1 pk-2/7 "world!"`)
		p = build(user("pk-1", "", "hello"), user("pk-2", "7", "world!")).PackUnsealed(nil, 1, 2)
		aggregate.Seal([]aggregate.Packed{p, p, p})
		wantLines(t, collect(t, p.Data), `0 pk-1/ "hello"`, `1 pk-2/7 "world!"`)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1", "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Fatalf("with GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
