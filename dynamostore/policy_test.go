package dynamostore_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/dynamostore"
)

// TestPolicies holds the policies of docs/iam.md to what the store calls and to the keys of its
// rows.
func TestPolicies(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	type statement struct {
		Sid       string                    `json:"Sid"`
		Action    any                       `json:"Action"`
		Condition map[string]map[string]any `json:"Condition"`
	}
	bySid := map[string]statement{}
	actions := map[string][]string{}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1) {
		var policy struct {
			Statement []statement `json:"Statement"`
		}
		if err := json.Unmarshal(block[1], &policy); err != nil {
			t.Fatalf("a policy is not JSON: %v\n%s", err, block[1])
		}
		for _, s := range policy.Statement {
			bySid[s.Sid] = s
			for _, action := range list(s.Action) {
				if name, ok := strings.CutPrefix(action, "dynamodb:"); ok {
					actions[s.Sid] = append(actions[s.Sid], name)
				}
			}
		}
	}

	t.Run("allow each call of the store and no other", func(t *testing.T) {
		t.Parallel()
		var rows, tables []string
		client := reflect.TypeFor[dynamostore.Client]()
		for method := range client.Methods() {
			if name := method.Name; strings.HasSuffix(name, "Table") {
				tables = append(tables, name)
			} else {
				rows = append(rows, name)
			}
		}
		for sid, want := range map[string][]string{
			"UseLeasesOfGroup": rows, "OperateGroups": rows, "FindTable": {"DescribeTable"}, "MakeTable": append(tables, "TagResource"),
		} {
			got := slices.Sorted(slices.Values(actions[sid]))
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("%s allows %v, want %v", sid, got, want)
			}
		}
	})

	t.Run("let a worker at all parts that its group has", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 1)
		update(t, store, handOvers(rows)...)
		parts := map[string]bool{}
		f.edit(func(rows map[rowKey]item) {
			for k := range rows {
				parts[k.part] = true
			}
		})
		allowed := list(bySid["UseLeasesOfGroup"].Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"])
		for part := range parts {
			if !slices.Contains(allowed, part) {
				t.Errorf("the policy allows %v, but there are rows in %s", allowed, part)
			}
		}
		if len(allowed) != len(parts) {
			t.Errorf("the policy allows %v, which has more than %v", allowed, parts)
		}
	})
}

// list returns a text or a list of texts of JSON as a list.
func list(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var texts []string
		for _, text := range v {
			texts = append(texts, text.(string))
		}
		return texts
	default:
		return nil
	}
}
