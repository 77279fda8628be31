package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units of bytes, the longer ones first where one ends like another.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
}

// parseBytes reads a number of bytes: "100", "1KiB", "0.5 MB". unit says that it has a unit.
func parseBytes(text string) (n float64, unit, ok bool) {
	text = strings.TrimSpace(text)
	scale := 1.0
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.name); found {
			text, scale, unit = strings.TrimSpace(number), u.bytes, true
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || strings.ContainsAny(text, "xX_") {
		return 0, false, false
	}
	return n * scale, unit, true
}

// parseSize reads the size of a record.
func parseSize(text string) (int, error) {
	n, _, ok := parseBytes(text)
	if !ok {
		return 0, usageErr(fmt.Sprintf("--size %q is no number of bytes", text), "use for example 1024, or 10KiB")
	}
	const most = 10 << 20 // of any stream
	if n < float64(loadMinBytes) || n > most {
		return 0, usageErr(fmt.Sprintf("--size %s: must be from %d bytes, which say which record it is, to 10 MiB", text, loadMinBytes), "use for example 1KiB")
	}
	return int(n), nil
}

// parseRate reads how many records of a size to put in a second: a number of records or of bytes, or "max",
// which is 0.
func parseRate(text string, size int) (perSecond float64, err error) {
	if strings.EqualFold(text, "max") {
		return 0, nil
	}
	n, unit, ok := parseBytes(strings.TrimSuffix(strings.TrimSpace(text), "/s"))
	if !ok || n == 0 {
		return 0, usageErr(fmt.Sprintf("--rate %q is no rate", text), "use for example 500/s, 2MiB/s, or max for as fast as the stream takes it")
	}
	if unit {
		n /= float64(size)
	}
	const least, most = 1e-3, 1e9
	if n < least || n > most {
		return 0, usageErr(fmt.Sprintf("--rate %s: must be from a record in %d seconds to %d a second", text, int(1/least), int(most)), "use for example 500/s")
	}
	return n, nil
}
