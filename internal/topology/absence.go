package topology

import "time"

// Absence is for how long, and in how many listings in a row, something was missing that ought to
// have been listed. The zero value says that nothing is.
type Absence struct {
	Since    time.Duration // when the first of them was made, on any clock that goes forward
	Listings int
}

// What proves that something is gone that ought to be listed. Listings are eventually consistent:
// several that come within seconds may all be older than what they lack. And a server that
// never lists it delays its readers, and does not hang them.
const (
	proofListings = 3
	proofTime     = time.Minute
)

// Again returns the absence after one more listing, made at a time.
func (a Absence) Again(now time.Duration) Absence {
	if a.Listings == 0 {
		a.Since = now
	}
	a.Listings++
	return a
}

// Proves says whether so many listings, over so long a time, show that what they lack is gone.
func (a Absence) Proves(now time.Duration) bool {
	return a.Listings >= proofListings && now-a.Since >= proofTime
}
