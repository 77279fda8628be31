package sim

import "slices"

// Shrink returns the smallest scenario that it finds by leaving things out of s, and that still
// breaks the same promise, within a number of runs.
func Shrink(s Scenario, o Options, runs int) Scenario {
	o.Trace = nil
	whole := Run(s, o).Violation
	if whole == nil {
		return s
	}
	fails := func(s Scenario) bool {
		if runs <= 0 {
			return false
		}
		runs--
		v := Run(s, o).Violation
		return v != nil && v.Rule == whole.Rule
	}
	for simpler := true; simpler && runs > 0; {
		simpler = false
		for _, cut := range cuts(s) {
			if fails(cut) {
				s, simpler = cut, true
				break
			}
		}
	}
	return s
}

// cuts returns scenarios that are a little simpler.
func cuts(s Scenario) []Scenario {
	var all []Scenario
	try := func(change func(*Scenario)) {
		c := s
		c.Steps = slices.Clone(s.Steps)
		change(&c)
		all = append(all, c)
	}
	n := len(s.Steps)
	if n > 1 {
		try(func(c *Scenario) { c.Steps = c.Steps[n/2:] })
		try(func(c *Scenario) { c.Steps = c.Steps[:n/2] })
	}
	for i := range n {
		try(func(c *Scenario) { c.Steps = slices.Delete(c.Steps, i, i+1) })
	}
	if s.Hosts > 1 && s.Capacity == 0 {
		try(func(c *Scenario) { c.Hosts-- })
	}
	if s.Shards > 1 {
		try(func(c *Scenario) { c.Shards /= 2 })
	}
	if s.Streams > 1 {
		try(func(c *Scenario) { c.Streams = 1 })
	}
	if s.Store.Noise > 0 {
		try(func(c *Scenario) { c.Store.Noise = 0 })
	}
	if s.ClockError > 0 {
		try(func(c *Scenario) { c.ClockError = 0 })
	}
	if s.Handler.Fail > 0 || s.Handler.Ignore > 0 {
		try(func(c *Scenario) { c.Handler.Fail, c.Handler.Ignore = 0, 0 })
	}
	if s.Service.ListPartial > 0 || s.Service.ListFail > 0 || s.Service.ListLag > 0 {
		try(func(c *Scenario) { c.Service = Service{Children: c.Service.Children} })
	}
	return all
}
