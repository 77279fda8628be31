package cli

import (
	"context"
	"fmt"
	"strings"
)

// demoAccount is what the accounts of both acts have in common.
type demoAccount struct {
	Put         int64   `json:"put"`
	Lost        int64   `json:"lost"`
	Doubled     int64   `json:"doubled"`
	Reordered   int64   `json:"reordered"`
	Altered     int64   `json:"altered"`
	Foreign     int64   `json:"foreign"`
	Failed      int64   `json:"failed"`
	Clean       bool    `json:"clean"`
	Interrupted bool    `json:"interrupted,omitempty"` // lost may just not have been read yet
	Seconds     float64 `json:"seconds"`
}

func newDemoAccount(t ledgerTotal) demoAccount {
	return demoAccount{
		Put: t.put, Lost: t.lost, Doubled: t.doubled, Reordered: t.reordered,
		Altered: t.altered, Foreign: t.foreign, Failed: t.failed,
	}
}

// end notes how the act ended.
func (r *demoAccount) end(ctx context.Context, err error) {
	r.Interrupted = ctx.Err() != nil || isInputError(err)
	r.Clean = r.Clean && !r.Interrupted && err == nil // else not all that was to be put was
}

// printAccount prints the account of an act, and turns it into the error of the command. unclean
// says what is wrong if the account is not clean and nothing else ended the act.
func (a *app) printAccount(ctx context.Context, r demoAccount, object any, text, unclean string, err error) error {
	if a.json() {
		if printErr := a.printJSON(object); printErr != nil {
			return printErr
		}
	} else {
		fmt.Fprint(a.io.Out, text)
	}
	switch {
	case ctx.Err() != nil:
		return &failure{code: exitInterrupted, what: "stopped by a signal: the account is of what was done by then"}
	case err != nil:
		return err
	case !r.Clean:
		return &failure{code: exitIncomplete, what: unclean}
	}
	return nil
}

// accountText is an account for people.
type accountText struct {
	strings.Builder

	style style
}

// mark says how a number of an account looks.
type mark int

const (
	plain mark = iota
	good
	bad
)

// unless is the mark of what must not be so.
func unless(wrong bool) mark {
	if wrong {
		return bad
	}
	return good
}

func (t *accountText) row(name, value, note string, m mark) {
	value = fmt.Sprintf("%13s", value)
	switch m {
	case good:
		value = t.style.good(value)
	case bad:
		value = t.style.bad(value)
	case plain:
	}
	fmt.Fprintf(t, "%-14s%s%s\n", name, value, note)
}

// faults are the rows about what must not have happened. doubled is the most that may be.
func (t *accountText) faults(r demoAccount, doubled int64, note string) {
	if r.Interrupted {
		t.row("not read yet", thousands(r.Lost), "", plain)
	} else {
		t.row("lost", thousands(r.Lost), "", unless(r.Lost > 0))
	}
	t.row("doubled", thousands(r.Doubled), note, unless(r.Doubled > doubled))
	t.row("out of order", thousands(r.Reordered), "", unless(r.Reordered > 0))
	if r.Failed > 0 {
		t.row("not stored", thousands(r.Failed), "", bad)
	}
	if r.Altered+r.Foreign > 0 {
		t.row("altered", thousands(r.Altered), "", unless(r.Altered > 0))
		t.row("foreign", thousands(r.Foreign), "", unless(r.Foreign > 0))
	}
}

// verdict is the last line, with what a clean account means.
func (t *accountText) verdict(r demoAccount, clean string) {
	verdict := t.style.good("clean") + ": " + clean
	switch {
	case r.Interrupted:
		verdict = t.style.warn("stopped early")
	case !r.Clean:
		verdict = t.style.bad("not clean")
	}
	fmt.Fprintf(t, "\n%s (%.1f s)\n", verdict, r.Seconds)
}
