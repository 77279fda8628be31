package wire

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// doubtFor is how long an endpoint that is only suspected is served with JSON
// before CBOR gets its second and last trial. Shorter, and a server that fails on
// CBOR shows its error to the caller soon again; longer, and a server that was
// only being restarted is served with JSON for longer than needed.
const doubtFor = 5 * time.Minute

// endpoint is what is known about whether one endpoint speaks CBOR.
//
//	unknown --CBOR answer--> spoken                   (CBOR)
//	unknown --odd answer---> suspect                  (one call in JSON)
//	suspect --JSON works---> doubted, until t         (JSON)
//	suspect --JSON does not> unknown                  (CBOR)
//	doubted --t, CBOR works> spoken
//	doubted --t, odd again-> refused                  (JSON for good)
//	spoken  --broken CBOR--> doubted
//	any     --proof--------> refused
//
// The words "odd answer" and "proof" are those of the table in doc.go. Puts are
// CBOR only while the endpoint is also trusted with them.
type endpoint struct {
	name string

	mu      sync.Mutex // guards all below
	trusted bool       // it stores payloads that come as CBOR
	spoken  bool       // it has answered in CBOR
	refused bool       // it has proved not to speak CBOR
	suspect bool       // the last answer to CBOR was odd, and the next call is JSON
	why     error      // the odd answer
	until   time.Time  // doubted: JSON up to then; zero: not doubted
}

// choose returns the format of the next call, and whether the call is the last
// trial that CBOR gets.
func (e *endpoint) choose(now time.Time, put bool) (f Format, lastTrial bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.refused, e.suspect, now.Before(e.until), put && !e.trusted:
		return JSON, false
	default:
		return CBOR, !e.until.IsZero()
	}
}

// hasSpoken reports whether the endpoint has ever answered in CBOR.
func (e *endpoint) hasSpoken() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.spoken
}

// trust notes a sign that the endpoint stores payloads that come as CBOR.
func (e *endpoint) trust() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trusted = true
}

// speaks notes an answer in CBOR.
func (e *endpoint) speaks() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spoken, e.suspect, e.until = true, false, time.Time{}
}

// refuse notes a proof that the endpoint does not speak CBOR, and reports
// whether that is news.
func (e *endpoint) refuse() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	news := !e.refused
	e.refused = true
	return news
}

// suspicious notes an odd answer to CBOR, and reports whether it was the last
// one needed.
func (e *endpoint) suspicious(lastTrial bool, why error) (refused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if lastTrial && !e.refused {
		e.refused = true
		return true
	}
	e.suspect, e.why = !e.spoken, why
	return false
}

// broke notes an answer in CBOR that could not be used. From an endpoint that
// has never done better it is a proof. From one that has, it may be damage on the
// way, and the endpoint is doubted. It reports whether that is news, and until when
// JSON is used; the zero time is for good.
func (e *endpoint) broke(lastTrial bool, now time.Time) (until time.Time, news bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.refused:
		return time.Time{}, false
	case !e.spoken || lastTrial:
		e.refused = true
		return time.Time{}, true
	case now.Before(e.until): // a call that was under way when the doubt began
		return e.until, false
	}
	e.until = now.Add(doubtFor)
	return e.until, true
}

// answeredJSON notes how a JSON call to a suspect ended. If the endpoint is
// doubted from now on, it returns until when, and the odd answer that began it.
func (e *endpoint) answeredJSON(properly bool, now time.Time) (until time.Time, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.suspect {
		return time.Time{}, nil
	}
	e.suspect = false
	if !properly || e.spoken || e.refused || !e.until.IsZero() {
		return time.Time{}, nil
	}
	e.until = now.Add(doubtFor)
	return e.until, e.why
}

// isAWS reports whether a client with these options talks to AWS itself, as far
// as its options tell.
func isAWS(o *kinesis.Options) bool {
	if base := aws.ToString(o.BaseEndpoint); base != "" {
		u, err := url.Parse(base)
		return err == nil && isAWSHost(u.Hostname())
	}
	//nolint:staticcheck // deprecated, but a client that has it goes where it says
	if o.EndpointResolver != nil {
		return false
	}
	return o.EndpointResolverV2 == nil ||
		reflect.TypeOf(o.EndpointResolverV2) == reflect.TypeOf(kinesis.NewDefaultEndpointResolverV2())
}

// isAWSHost reports whether a host is in a domain of AWS, in any partition.
func isAWSHost(host string) bool {
	return slices.ContainsFunc([]string{
		".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn", ".api.amazonwebservices.eu",
		".c2s.ic.gov", ".sc2s.sgov.gov", ".csp.hci.ic.gov", ".cloud.adc-e.uk",
	}, func(domain string) bool { return strings.HasSuffix(host, domain) })
}
