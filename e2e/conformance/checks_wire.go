package conformance

import (
	"net/http"
	"strings"
)

const jsonType = "application/x-amz-json-1.1"

func wireChecks() []Check {
	refused := func(operation, contentType, body, code string) func(*probe) {
		return func(p *probe) {
			status, header, answer := p.raw(operation, contentType, body)
			if status != http.StatusBadRequest || !strings.Contains(answer+header.Get("X-Amzn-Errortype"), code) {
				p.errorf("got status %d with %q, want 400 with %s", status, answer, code)
			}
		}
	}
	return []Check{
		{"an unknown operation is UnknownOperationException", refused("Fly", jsonType, "{}", "UnknownOperationException")},
		{"malformed JSON is SerializationException", refused("ListStreams", jsonType, "{", "SerializationException")},
		{"a member of the wrong type is SerializationException", refused("ListStreams", jsonType, `{"Limit":"ten"}`, "SerializationException")},
		{"data that is not base64 is SerializationException", refused("PutRecord", jsonType,
			`{"StreamName":"s","PartitionKey":"k","Data":"*"}`, "SerializationException")},
		{"every answer has a request id", func(p *probe) {
			for _, operation := range []string{"ListStreams", "Fly"} {
				_, header, _ := p.raw(operation, jsonType, "{}")
				if header.Get("X-Amzn-Requestid") == "" {
					p.errorf("the answer to %s has no x-amzn-RequestId", operation)
				}
			}
		}},
		{"members that nobody knows are ignored", func(p *probe) {
			if status, _, answer := p.raw("ListStreams", jsonType, `{"Colour":{"a":[1,null]}}`); status != http.StatusOK {
				p.errorf("got status %d with %q, want 200", status, answer)
			}
		}},
	}
}
