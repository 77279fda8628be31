package kinprom_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kinstream/kin/kinprom"
)

var (
	labelName   = regexp.MustCompile(`(\w+)="`)
	documentRow = regexp.MustCompile(`(?m)^//\t(kin_\w+)\{([\w,]*)\} +([GCHS])\b`)
	description = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([\w,]*)\}`)
)

// documented returns the rows of the tables in the package comment: name and labels, and the type.
func documented(t *testing.T) (rows []string, types map[string]string) {
	t.Helper()
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	types = map[string]string{}
	for _, m := range documentRow.FindAllStringSubmatch(string(src), -1) {
		rows = append(rows, m[1]+" "+m[2])
		types[m[1]] = map[string]string{"G": "gauge", "C": "counter", "H": "histogram", "S": "summary"}[m[3]]
	}
	return rows, types
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	rows, types := documented(t)

	t.Run("are those that are documented", func(t *testing.T) {
		t.Parallel()
		descs := make(chan *prometheus.Desc, 200)
		kinprom.NewConsumerCollector("billing").Describe(descs)
		kinprom.NewProducerCollector(kinprom.ProducerConfig{}).Describe(descs)
		close(descs)
		var described []string
		for d := range descs {
			m := description.FindStringSubmatch(d.String())
			if m == nil {
				t.Fatalf("description %s can't be read", d)
			}
			described = append(described, m[1]+" "+m[2])
		}
		slices.Sort(rows)
		slices.Sort(described)
		if !slices.Equal(rows, described) {
			t.Errorf("documented:\n%q\nthere are:\n%q", rows, described)
		}
	})

	t.Run("have the types that are documented, and names as Prometheus wants them", func(t *testing.T) {
		t.Parallel()
		scraped := everything(t)
		for name, f := range families(scraped) {
			if f.kind != types[name] {
				t.Errorf("type of %s = %s, want %s", name, f.kind, types[name])
			}
		}
		problems, err := promlint.New(strings.NewReader(scraped)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
		if n := len(families(scraped)); n < len(rows)-2 {
			t.Errorf("families = %d of %d that are documented", n, len(rows))
			for name := range types {
				if families(scraped)[name] == nil {
					t.Log("not scraped:", name)
				}
			}
		}
	})
}
