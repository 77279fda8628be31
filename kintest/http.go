package kintest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// targetPrefix is what X-Amz-Target begins with.
const targetPrefix = "Kinesis_20131202."

// maxBody is how long a request's body may be: the service's 10 MiB of a PutRecords call in base64, with room for a client that
// sends more and should be told so by the operation.
const maxBody = 24 << 20

// maxDrain is how much of a body that is too long is still read, so that the client gets round to reading the answer.
const maxDrain = 256 << 20

// Handler returns what answers requests, for servers that others run. GET /health says whether the server is up.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.front.enter() {
		http.Error(w, "the server is closed", http.StatusServiceUnavailable)
		return
	}
	defer s.front.active.Done()
	if r.URL.Path == "/health" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
		return
	}
	x := exchange{s: s, w: w, r: r, started: time.Now()}
	x.serve() //nolint:contextcheck // the request's context is in x, which lives for one call
}

// open reads the header: the operation and the encoding. What it returns is an error to answer.
func (x *exchange) open() *apiError {
	contentType := x.r.Header.Get("Content-Type")
	encoding, spoken := proto.EncodingOf(contentType)
	x.encoding = encoding
	target := x.r.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, targetPrefix)
	switch {
	case x.r.Method != http.MethodPost || x.r.URL.Path != "/":
		return fail(codeUnknownOperation, "This is kintest, a local Kinesis. Calls are POST /, not %s %s.", x.r.Method, x.r.URL.Path)
	case target == "":
		return fail(codeUnknownOperation, "The request has no X-Amz-Target header that names an operation as %sListStreams.", targetPrefix)
	case !ours:
		return fail(codeUnknownOperation, "%s is not an operation of Kinesis (%s...).", target, targetPrefix)
	}
	x.operation = name
	coding := x.r.Header.Get("Content-Encoding")
	switch {
	case !spoken:
		e := fail("UnsupportedMediaTypeException", "Content-Type %q is neither %s nor %s.", contentType,
			proto.JSON.ContentType(), proto.CBOR.ContentType())
		e.Status = http.StatusUnsupportedMediaType
		return e
	case coding != "" && coding != "identity":
		e := fail("UnsupportedMediaTypeException", "Content-Encoding %q is not supported.", coding)
		e.Status = http.StatusUnsupportedMediaType
		return e
	}
	return nil
}

// readBody reads the body into a buffer that the caller gives back.
func (x *exchange) readBody() (*[]byte, *apiError) {
	pool := &x.s.front.bodies
	length := x.r.ContentLength
	if length > maxBody {
		return nil, x.tooLarge()
	}
	if length < 0 {
		return x.readUnknownLength()
	}
	buf := pool.get(int(length))
	*buf = (*buf)[:length]
	if _, err := io.ReadFull(x.r.Body, *buf); err != nil {
		pool.put(buf)
		return nil, fail(codeSerialization, "The request body ended early.")
	}
	return buf, nil
}

func (x *exchange) readUnknownLength() (*[]byte, *apiError) {
	pool := &x.s.front.bodies
	buf := pool.get(mediumBuffer)
	for {
		if len(*buf) == cap(*buf) {
			*buf = append(*buf, 0)[:len(*buf)]
		}
		n, err := x.r.Body.Read((*buf)[len(*buf):cap(*buf)])
		*buf = (*buf)[:len(*buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			pool.put(buf)
			return nil, fail(codeSerialization, "The request body ended early.")
		}
		if len(*buf) > maxBody {
			pool.put(buf)
			return nil, x.tooLarge()
		}
	}
}

func (x *exchange) tooLarge() *apiError {
	_, _ = io.CopyN(io.Discard, x.r.Body, maxDrain)
	e := fail("RequestEntityTooLargeException", "The request body is longer than %d bytes.", maxBody)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

// scope reads from the signature whose request it is. An access key of 12 digits is taken for the account: that way many
// accounts fit into one server. Without a signature both are the server's own.
func (c *call) scope(authorization string) {
	_, credential, ok := strings.Cut(authorization, "Credential=")
	if !ok {
		return
	}
	credential, _, _ = strings.Cut(credential, ",")
	key, rest, _ := strings.Cut(credential, "/")
	_, rest, _ = strings.Cut(rest, "/") // the date
	region, _, ok := strings.Cut(rest, "/")
	if ok && region != "" {
		c.region = region
	}
	if len(key) == len("000000000000") && strings.Trim(key, "0123456789") == "" {
		c.account = key
	}
}
