package kintest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// exchange is one HTTP request and its answer.
type exchange struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	started time.Time

	operation string
	encoding  proto.Encoding
	place     target
	plan      plan
}

// reply is what is sent: a status, the code of the error if it is one, and the body.
type reply struct {
	status int
	code   string
	body   []byte
}

func (a *reply) clone() *reply {
	return &reply{status: a.status, code: a.code, body: bytes.Clone(a.body)}
}

// serve answers one request.
func (x *exchange) serve() {
	if e := x.open(); e != nil {
		x.sendError(e)
		return
	}
	body, e := x.readBody()
	if e != nil {
		x.sendError(e)
		return
	}
	defer x.s.front.bodies.put(body)
	if x.operation == "SubscribeToShard" {
		x.serveSubscription(*body)
		return
	}
	t := x.s.newTask(x.operation)
	if t == nil {
		x.sendError(fail(codeUnknownOperation, "Kinesis has no operation %s.", x.operation))
		return
	}
	defer t.free(&x.s.front.tasks)
	if err := t.decode(x.encoding, *body); err != nil {
		x.sendError(fail(codeSerialization, "%s", err))
		return
	}
	x.place = t.target(x.s)
	if x.s.front.faultsSet() {
		x.plan = x.s.front.faults.match(x.place)
	}
	if err := x.perform(t); err != nil {
		x.sendError(err)
		return
	}
	x.sendResult(t)
}

// perform does the work of a task, with the faults that come before and after it.
func (x *exchange) perform(t task) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = x.recovered(v)
		}
	}()
	c := x.newCall()
	if x.plan == nil {
		return t.run(x.s, c)
	}
	f := &x.s.front
	records := x.operation == "PutRecords"
	if err := x.plan.wait(x.r.Context(), f.closing); err != nil {
		return err
	}
	if err := x.plan.failure(false, records); err != nil {
		return err
	}
	if a := x.plan.repeated(&f.faults); a != nil {
		return &sent{a}
	}
	c.now = time.Now() // it may have waited
	t.distort(x.plan)
	if err := t.run(x.s, c); err != nil {
		return err
	}
	if err := x.plan.failure(true, records); err != nil {
		return err
	}
	t.retouch(x.plan)
	return nil
}

// sent is an answer on the way of an error: one that a fault repeats.
type sent struct{ *reply }

func (s *sent) Error() string { return "kintest: repeated answer" }

// recovered turns a panic of an operation into an answer that says so.
func (x *exchange) recovered(v any) error {
	x.s.config.Logger.ErrorContext(x.r.Context(), "kintest: BUG: operation panicked",
		"operation", x.operation, "err", fmt.Sprint(v), "stack", string(debug.Stack()))
	return &apiError{Code: codeInternalFailure, Message: fmt.Sprintf("kintest: BUG: %v", v), Status: http.StatusInternalServerError}
}

func (x *exchange) newCall() *call {
	c := x.s.newCall(x.operation)
	c.ctx = x.r.Context()
	c.protocol = x.encoding.String()
	c.scope(x.r.Header.Get("Authorization"))
	return c
}

// sendResult sends what a task came to.
func (x *exchange) sendResult(t task) {
	pool := &x.s.front.replies
	buf := pool.get(t.size(x.encoding))
	*buf = t.append(x.encoding, *buf)
	defer pool.put(buf)
	x.send(&reply{status: http.StatusOK, body: *buf})
}

// sendError sends an error, or breaks the connection if that is what the error means.
func (x *exchange) sendError(err error) {
	if errors.Is(err, errCut) {
		x.cut()
	}
	if repeated, ok := errors.AsType[*sent](err); ok {
		x.send(repeated.clone()) // send may damage it
		return
	}
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{Code: codeInternalFailure, Message: err.Error(), Status: http.StatusInternalServerError}
	}
	a := reply{status: e.Status, code: e.Code}
	if e.Code != "" {
		a.body = x.encoding.AppendError(nil, e.Code, e.Message)
	}
	x.send(&a)
}

// cut breaks the connection, or the stream of HTTP/2, without an answer. It doesn't return.
func (x *exchange) cut() {
	x.log(0, "")
	abort()
}

// abort makes net/http break the connection, or the stream of HTTP/2, under the answer. It doesn't return.
func abort() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way
}

// send writes an answer, with the faults that are about how it is written.
func (x *exchange) send(a *reply) {
	if x.plan != nil {
		x.plan.remember(&x.s.front.faults, a)
		if x.plan.corrupt() {
			flipBit(a.body)
		}
	}
	x.log(a.status, a.code)
	x.header(len(a.body))
	if a.code != "" {
		x.w.Header().Set("X-Amzn-Errortype", a.code)
	}
	x.distortHeader()
	x.w.WriteHeader(a.status)
	body := a.body
	if delay := x.plan.bodyDelay(); delay > 0 || x.plan.cutMid() {
		half := len(body) / 2
		_, _ = x.w.Write(body[:half])
		_ = http.NewResponseController(x.w).Flush()
		if x.plan.cutMid() || !x.pause(delay) {
			abort()
		}
		body = body[half:]
	}
	_, _ = x.w.Write(body) // a client that has gone needs no answer
}

// distortHeader does what faults do to the header of an answer.
func (x *exchange) distortHeader() {
	if skew := x.plan.clockSkew(); skew != 0 {
		x.w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
	}
	if x.plan.cutAfter() {
		x.w.Header().Set("Connection", "close") // net/http makes GOAWAY of it over HTTP/2
	}
}

// pause waits. It is false if the client or the server ended meanwhile.
func (x *exchange) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.s.front.closing:
	}
	return false
}

// The values of Content-Type, shared by all answers.
var (
	headerJSON = []string{proto.JSON.ContentType()}
	headerCBOR = []string{proto.CBOR.ContentType()}

	// headerAcceptPost tells clients, such as package wire, that payloads may come as CBOR.
	headerAcceptPost = []string{proto.JSON.ContentType() + ", " + proto.CBOR.ContentType()}
)

// header sets the header of an answer that is length bytes long; -1 for one whose length is not known.
func (x *exchange) header(length int) {
	h := x.w.Header()
	id, id2 := requestIDs()
	values := [...]string{id, id2, ""}
	h["X-Amzn-Requestid"] = values[0:1:1]
	h["X-Amz-Id-2"] = values[1:2:2]
	h["Accept-Post"] = headerAcceptPost
	if length < 0 {
		return
	}
	values[2] = strconv.Itoa(length)
	h["Content-Length"] = values[2:3:3]
	if x.encoding == proto.CBOR {
		h["Content-Type"] = headerCBOR
	} else {
		h["Content-Type"] = headerJSON
	}
}

// requestIDs makes the two names that an answer has, in the forms that the service gives them.
func requestIDs() (id, id2 string) {
	const idLen, id2Bytes = 36, 48
	var raw [id2Bytes]byte
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], rand.Uint64())
	}
	text := make([]byte, idLen, idLen+id2Bytes/3*4)
	for i, at := 0, 0; i < 16; i++ {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:at+2], raw[i:i+1])
		at += 2
	}
	all := string(base64.StdEncoding.AppendEncode(text, raw[:]))
	return all[:idLen], all[idLen:]
}

// log writes the call into the request log, once, when it is known how it ends.
func (x *exchange) log(status int, code string) {
	now := time.Now()
	x.s.front.calls.add(Call{
		Operation: x.operation,
		Stream:    x.place.stream,
		Shard:     x.place.shard,
		Error:     code,
		Status:    status,
		Protocol:  x.encoding.String(),
		HTTP:      x.r.Proto,
		Client:    x.r.RemoteAddr,
		Time:      x.started,
		Duration:  now.Sub(x.started),
		Faulted:   len(x.plan) > 0,
	})
	if ctx, log := x.r.Context(), x.s.config.Logger; log.Enabled(ctx, levelCalls) {
		log.Log(ctx, levelCalls, "call", "operation", x.operation, "stream", x.place.stream,
			"shard", x.place.shard, "status", status, "err", code, "took", now.Sub(x.started))
	}
}
