package cli_test

import (
	"strings"
	"testing"
)

func TestHelp_names_every_command_and_explains_exit_codes(t *testing.T) {
	t.Parallel()
	help := mustRun(t, "")
	for _, name := range []string{"serve", "stream", "put", "tail", "load", "bench", "consume", "group", "demo", "version", "completion", "exit-codes", "dummy"} {
		if !strings.Contains(help, name) {
			t.Errorf("help has no %q", name)
		}
	}
	codes := mustRun(t, "", "help", "exit-codes")
	for _, code := range []string{"0  done", "1  failed", "2  wrong use", "3  the endpoint", "4  no credentials", "5  the stream", "6  incomplete", "7  the group", "8  the program", "130  stopped", "141  whoever"} {
		if !strings.Contains(codes, code) {
			t.Errorf("exit codes have no %q", code)
		}
	}
}

func TestCompletion_is_there_for_every_shell(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := mustRun(t, "", "completion", shell); !strings.Contains(out, "kin") {
			t.Errorf("completion for %s = %q", shell, out)
		}
	}
	if out := mustRun(t, "", "__complete", "stream", "list", "-o", ""); !strings.Contains(out, "json") {
		t.Errorf("completion of -o = %q, want json in it", out)
	}
	if out := mustRun(t, "", "__complete", "tail", "--from", ""); !strings.Contains(out, "trim-horizon") {
		t.Errorf("completion of --from = %q, want trim-horizon in it", out)
	}
}

func TestVersion_is_text_or_an_object(t *testing.T) {
	t.Parallel()
	if out := mustRun(t, "", "version"); !strings.HasPrefix(out, "kin ") {
		t.Errorf("version = %q", out)
	}
	v := objects[struct{ Version, Revision, Go, OS, Arch string }](t, mustRun(t, "", "version", "-o", "json"))
	if len(v) != 1 || v[0].Version == "" || !strings.HasPrefix(v[0].Go, "go") {
		t.Errorf("version = %+v", v)
	}
}
