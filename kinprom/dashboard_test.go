package kinprom_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what Grafana needs to have of a dashboard.
type dashboard struct {
	Title         string  `json:"title"`
	UID           string  `json:"uid"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name  string          `json:"name"`
			Type  string          `json:"type"`
			Query json.RawMessage `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	} `json:"gridPos"`
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("dashboard/kin.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	lookback  = regexp.MustCompile(`\[(?:\$__rate_interval|\d+[smhd])\]`)
	selector  = regexp.MustCompile(`(\w*)\{([^{}]*)\}`)
	grouping  = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right) *\(([^()]*)\)`)
	word      = regexp.MustCompile(`[A-Za-z_]\w*`)
	matcher   = regexp.MustCompile(`^\s*(\w+)\s*(=~|!~|!=|=)\s*""\s*$`)
	counted   = regexp.MustCompile(`\b(?:rate|increase)\((\w+)(?:\{[^{}]*\})?\[\]\)`)
	windowed  = regexp.MustCompile(`(\w+)(?:\{[^{}]*\})?\[\]`)
	target    = []string{"job", "instance"} // labels that Prometheus gives to all series of a process
	functions = strings.Fields("sum max min rate increase histogram_quantile topk bottomk min_over_time")
	operators = []string{"and", "or", "unless"}
)

// faults returns what is wrong with an expression, if these metrics are scraped.
func faults(expr string, scraped map[string]*family) (wrong []string) {
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		wrong = append(wrong, "brackets do not match")
	}
	rest := lookback.ReplaceAllString(quoted.ReplaceAllString(expr, `""`), "[]")
	labels := map[string]bool{}
	for _, m := range selector.FindAllStringSubmatch(rest, -1) {
		for part := range strings.SplitSeq(m[2], ",") {
			if is := matcher.FindStringSubmatch(part); is == nil {
				wrong = append(wrong, "matcher "+part+" can't be read")
			} else if f := scraped[base(m[1], scraped)]; f != nil && !f.labels[is[1]] && !slices.Contains(target, is[1]) {
				wrong = append(wrong, m[1]+" has no label "+is[1])
			}
		}
	}
	in := map[string]bool{}
	for _, m := range counted.FindAllStringSubmatch(rest, -1) {
		in[m[1]] = true
	}
	for _, m := range windowed.FindAllStringSubmatch(rest, -1) {
		if f := scraped[base(m[1], scraped)]; f != nil && f.kind == "gauge" && in[m[1]] {
			wrong = append(wrong, m[1]+" is a gauge, and has no rate")
		}
	}
	rest = selector.ReplaceAllString(rest, "$1")
	for _, m := range grouping.FindAllStringSubmatch(rest, -1) {
		for _, label := range word.FindAllString(m[2], -1) {
			labels[label] = true
		}
	}
	rest = grouping.ReplaceAllString(rest, "")
	have := map[string]bool{"le": true}
	for _, name := range word.FindAllString(rest, -1) {
		f := scraped[base(name, scraped)]
		switch {
		case slices.Contains(functions, name) || slices.Contains(operators, name):
		case f == nil || f.series == 0:
			wrong = append(wrong, name+" is not scraped")
		case f.kind != "gauge" && !in[name]:
			wrong = append(wrong, name+" only grows: it needs rate or increase")
		default:
			for label := range f.labels {
				have[label] = true
			}
		}
	}
	for label := range labels {
		if !have[label] && !slices.Contains(target, label) {
			wrong = append(wrong, "no metric has the label "+label)
		}
	}
	return wrong
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	scraped := families(everything(t))

	t.Run("shows only what a scrape has", func(t *testing.T) {
		t.Parallel()
		shown := 0
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				shown++
				for _, fault := range faults(target.Expr, scraped) {
					t.Errorf("panel %q: %s: %s", p.Title, target.Expr, fault)
				}
				if !strings.Contains(target.Expr, `job=~"$job"`) {
					t.Errorf("panel %q does not choose the job: %s", p.Title, target.Expr)
				}
			}
		}
		if shown < 40 {
			t.Errorf("expressions = %d, want at least 40", shown)
		}
	})

	t.Run("is one that Grafana can place", func(t *testing.T) {
		t.Parallel()
		if d.Title == "" || d.UID == "" || d.SchemaVersion < 36 {
			t.Errorf("title = %q, uid = %q, schemaVersion = %d", d.Title, d.UID, d.SchemaVersion)
		}
		ids, cells := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if p.ID == 0 || ids[p.ID] || p.Title == "" {
				t.Errorf("panel %q has the ID %d, which must be its own", p.Title, p.ID)
			}
			ids[p.ID] = true
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("panel %q is at %+v", p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := cells[[2]int{x, y}]; other != "" {
						t.Fatalf("panels %q and %q overlap", p.Title, other)
					}
					cells[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Datasource.UID != "${datasource}" || p.Description == "" || len(p.Targets) == 0 {
				t.Errorf("panel %q: datasource %q, description %q, %d targets", p.Title, p.Datasource.UID, p.Description, len(p.Targets))
			}
			refs := map[string]bool{}
			for _, target := range p.Targets {
				if refs[target.RefID] {
					t.Errorf("panel %q has two targets %s", p.Title, target.RefID)
				}
				refs[target.RefID] = true
			}
		}
	})

	t.Run("asks for the variables that it uses", func(t *testing.T) {
		t.Parallel()
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
			if v.Type != "query" {
				continue
			}
			for _, name := range regexp.MustCompile(`kin_\w+`).FindAllString(string(v.Query), -1) {
				if scraped[name] == nil {
					t.Errorf("variable %s: %s is not scraped", v.Name, name)
				}
			}
		}
		if want := []string{"datasource", "job", "stream", "group"}; !slices.Equal(variables, want) {
			t.Errorf("variables = %q, want %q", variables, want)
		}
	})
}

// TestRules holds the alerts to what is scraped, and docs/metrics.md to the alerts.
func TestRules(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("dashboard/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	scraped := families(everything(t))
	rule := regexp.MustCompile(`(?m)^      - alert: (\w+)\n        expr: (\|\n(?:          .*\n)+|.*\n)`)
	rules := rule.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "alert:"); n != len(rules) || n == 0 {
		t.Fatalf("rules read = %d of %d", len(rules), n)
	}
	for _, m := range rules {
		for _, fault := range faults(strings.TrimPrefix(m[2], "|\n"), scraped) {
			t.Errorf("alert %s: %s", m[1], fault)
		}
		if !strings.Contains(string(page), m[1]) {
			t.Errorf("docs/metrics.md does not say what to do about %s", m[1])
		}
	}
	questions := regexp.MustCompile("(?m)^\\| .*\\? \\| `(.*)` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(questions) < 6 {
		t.Errorf("questions read = %d, want at least 6", len(questions))
	}
	for _, m := range questions {
		for _, fault := range faults(m[1], scraped) {
			t.Errorf("docs/metrics.md: %s: %s", m[1], fault)
		}
	}
}

// TestFaults shows that mistakes in expressions are found.
func TestFaults(t *testing.T) {
	t.Parallel()
	scraped := map[string]*family{
		"kin_puts_total": {kind: "counter", labels: map[string]bool{"stream": true}, series: 1},
		"kin_open":       {kind: "gauge", labels: map[string]bool{"stream": true}, series: 1},
		"kin_took":       {kind: "histogram", labels: map[string]bool{"le": true}, series: 3},
		"kin_never":      {kind: "gauge"},
	}
	for expr, want := range map[string]string{
		`sum by (stream) (rate(kin_puts_total{job=~"$job"}[$__rate_interval])) / on () group_left () max(kin_open)`: "",
		`histogram_quantile(0.9, sum by (le, instance) (rate(kin_took_bucket[5m])))`:                                "",
		`kin_puts`:                        "kin_puts is not scraped",
		`kin_never > 0`:                   "kin_never is not scraped",
		`kin_puts_total > 0`:              "kin_puts_total only grows: it needs rate or increase",
		`rate(kin_open[5m])`:              "kin_open is a gauge, and has no rate",
		`kin_open{shard="1"}`:             "kin_open has no label shard",
		`kin_open{stream}`:                "matcher stream can't be read",
		`sum by (shard) (kin_open)`:       "no metric has the label shard",
		`sum(kin_open`:                    "brackets do not match",
		`sun(kin_open)`:                   "sun is not scraped",
		`rate(kin_took_buckets[5m]) or 1`: "kin_took_buckets is not scraped",
	} {
		if got := strings.Join(faults(expr, scraped), "; "); got != want {
			t.Errorf("faults of %s = %q, want %q", expr, got, want)
		}
	}
}
