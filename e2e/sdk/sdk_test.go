package sdk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kinstream/kin/e2e/server"
)

// counts is what the program of each language prints.
type counts struct {
	Records int `json:"records"` // read by GetRecords
	Pushed  int `json:"pushed"`  // read by SubscribeToShard
	Shards  int `json:"shards"`  // after a split
}

// TestSDKsOfOtherLanguages runs them against one kin serve at the same time.
func TestSDKsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	s := server.KinServe().Start(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tools := server.Tools(t)
	for _, language := range []struct {
		name    string
		needs   string // below the tools folder
		env     []string
		command func(testing.TB) []string
	}{
		{
			"JavaScript", filepath.Join("npm", "node_modules", "@aws-sdk"),
			[]string{"NODE_MODULES=" + filepath.Join(tools, "npm")},
			func(testing.TB) []string { return []string{"node", filepath.Join(here, "js", "check.mjs")} },
		},
		{
			"Python", filepath.Join("python", "bin", "python"), nil,
			func(tb testing.TB) []string {
				tb.Helper()
				return s.Python(tb, "check.py")
			},
		},
		{
			"Java", filepath.Join("java", "lib"), nil, func(tb testing.TB) []string {
				tb.Helper()
				return s.Java(tb, "Check")
			},
		},
	} {
		t.Run(language.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(filepath.Join(tools, language.needs)); err != nil {
				server.Missing(t, "the SDK for "+language.name)
			}
			command := append(language.command(t), s.URL)
			if _, err := exec.LookPath(command[0]); err != nil {
				server.Missing(t, command[0])
			}
			out := server.Output(t, t.TempDir(), language.env, command[0], command[1:]...)
			var got counts
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("read %q: %v", out, err)
			}
			if want := (counts{Records: 100, Pushed: 100, Shards: 3}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
