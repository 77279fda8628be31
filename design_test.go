package kin_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxTestFileLines = 500 // tables and scenarios are long
)

// TestDesign holds the tree to what DESIGN.md says about it.
func TestDesign(t *testing.T) {
	t.Parallel()
	files := goFiles(t)

	t.Run("the file map names every Go file that is not a test, and only files that exist", func(t *testing.T) {
		t.Parallel()
		mapped := fileMap(t)
		used := map[string]bool{}
		for _, file := range slices.Sorted(maps.Keys(files)) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			found := false
			for pattern := range mapped {
				if ok, _ := path.Match(pattern, file); ok {
					found, used[pattern] = true, true
				}
			}
			if !found {
				t.Errorf("%s is not in the file map of DESIGN.md", file)
			}
		}
		for _, pattern := range slices.Sorted(maps.Keys(mapped)) {
			if !used[pattern] {
				t.Errorf("the file map of DESIGN.md names %s, which does not exist", pattern)
			}
			if mapped[pattern] == "" {
				t.Errorf("the file map of DESIGN.md says nothing about %s", pattern)
			}
		}
	})

	t.Run("no Go file is longer than one idea", func(t *testing.T) {
		t.Parallel()
		for _, file := range slices.Sorted(maps.Keys(files)) {
			most := maxFileLines
			if strings.HasSuffix(file, "_test.go") {
				most = maxTestFileLines
			}
			if n := bytes.Count(files[file], []byte("\n")); n > most {
				t.Errorf("%s has %d lines, want at most %d", file, n, most)
			}
		}
	})

	t.Run("documents name only tests that exist", func(t *testing.T) {
		t.Parallel()
		tests := testSources(files)
		for _, document := range documents(t) {
			text, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range namedTest.FindAllStringSubmatch(string(text), -1) {
				src, found := tests[m[1]]
				if !found {
					t.Errorf("%s names %s, which does not exist", document, m[1])
				} else if !strings.Contains(src, m[2]) {
					t.Errorf("%s names %s of %s, which does not exist", document, m[2], m[1])
				}
			}
		}
	})

	t.Run("only tests in bubbles sleep", func(t *testing.T) {
		t.Parallel()
		sleep := []byte("time." + "Sleep(")
		for _, file := range slices.Sorted(maps.Keys(files)) {
			if !strings.HasSuffix(file, "_test.go") || slices.Contains(imports(t, file, files[file]), "testing/synctest") {
				continue
			}
			var before []byte // the line with the comment of a helper that bubbles call
			for line := range bytes.Lines(files[file]) {
				if bytes.Contains(line, sleep) && !bytes.Contains(append(before, line...), []byte("bubble")) {
					t.Errorf("%s uses no synctest, but sleeps, and does not say that bubbles call it: %s", file, bytes.TrimSpace(line))
				}
				before = bytes.Clone(line)
			}
		}
	})

	t.Run("packages import only what they may", func(t *testing.T) {
		t.Parallel()
		for _, file := range slices.Sorted(maps.Keys(files)) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, imported := range imports(t, file, files[file]) {
				if why := forbidden(file, imported); why != "" {
					t.Errorf("%s imports %s: %s", file, imported, why)
				}
			}
		}
	})
}

// forbidden returns why file must not import pkg, or "".
func forbidden(file, pkg string) string {
	const module = "github.com/kinstream/kin"
	within := func(dirs ...string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(file, dir+"/") })
	}
	standard := !strings.Contains(strings.SplitN(pkg, "/", 2)[0], ".")
	own := pkg == module || strings.HasPrefix(pkg, module+"/")
	sdk := strings.HasPrefix(pkg, "github.com/aws/aws-sdk-go-v2") || strings.HasPrefix(pkg, "github.com/aws/smithy-go")

	pure := within("aggregate", "internal/hashkey", "internal/topology", "internal/outbox", "internal/pace",
		"internal/assign", "internal/discover", "internal/watermark",
		"internal/cbor", "internal/jsonscan", "kintest/internal/shardlog")
	if within("internal/coord") && !slices.Contains([]string{"worker.go", "loop.go", "calls.go"}, path.Base(file)) {
		pure = true // the Machine; those files act for it
	}
	acting := []string{"context", "net", "net/http", "os", "log", "log/slog"}
	switch {
	case pure && (slices.Contains(acting, pkg) || sdk):
		return "pure packages neither act, wait nor log, and do not know the SDK"
	case within("kintest") && (pkg == module || pkg == module+"/wire"):
		return "the server shares no code with the client that it tests"
	case within("wire", "aggregate", "internal", "kintest") && pkg == module:
		return "imports go from the root down"
	case within("kinprom") && strings.HasPrefix(pkg, "github.com/prometheus/client_golang/"):
		return "" // its users have it anyway
	case within("kinotel") && (pkg == "go.opentelemetry.io/otel/attribute" || pkg == "go.opentelemetry.io/otel/metric"):
		return "" // the API only
	case within("kinotel/histogram") && strings.HasPrefix(pkg, "go.opentelemetry.io/otel/sdk/"):
		return "" // whoever imports it has the SDK
	case !within("cmd/kin", "e2e", "examples") && !standard && !own && !sdk:
		return "users of the library get the AWS SDK and nothing else"
	}
	return ""
}

func imports(t *testing.T, file string, src []byte) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
	if err != nil {
		t.Fatalf("parse %s: %v", file, err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("import in %s: %v", file, err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// goFiles returns the Go files of all modules by their slash-separated paths.
func goFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)] = src
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	namedTest    = regexp.MustCompile(`\b((?:Test|Fuzz)[A-Z]\w+)(?:/(\w+))?`)
)

// testSources returns the file of each test and fuzz target by its name, with
// underscores for spaces, as go test names subtests.
func testSources(files map[string][]byte) map[string]string {
	tests := map[string]string{}
	for file, src := range files {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		text := strings.ReplaceAll(string(src), " ", "_")
		for _, m := range testFunction.FindAllSubmatch(src, -1) {
			tests[string(m[1])] += text
		}
	}
	return tests
}

// documents returns the documents that may name tests.
func documents(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(pages, "DESIGN.md", "CONTRIBUTING.md", "kintest/UNSUPPORTED.md")
}

var (
	mapFolder = regexp.MustCompile("^### `([^`]+)`")
	mapEntry  = regexp.MustCompile("^- `([^`]+\\.go)`:? *(.*)$")
)

// fileMap returns what the section "File map" of DESIGN.md says about each file:
// a heading "### `folder`" for each folder, "- `file.go`: phrase" below it, where
// the file may be a pattern.
func fileMap(t *testing.T) map[string]string {
	t.Helper()
	design, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(design), "File map\n")
	if !found {
		t.Fatal(`DESIGN.md has no section "File map"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	mapped := map[string]string{}
	folder := "."
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if m := mapFolder.FindStringSubmatch(line); m != nil {
			folder = m[1]
		} else if m := mapEntry.FindStringSubmatch(line); m != nil {
			mapped[path.Join(folder, m[1])] = m[2]
		}
	}
	return mapped
}
