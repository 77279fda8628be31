// Package wire makes Kinesis clients of the AWS SDK several times faster. It
// speaks CBOR, as the SDK for Java does, where the SDK for Go speaks JSON with
// base64 in it, and it decodes an answer in one pass without copying it.
//
// One line does it:
//
//	client := kinesis.NewFromConfig(cfg, wire.Enable)
//
// Types, errors, retries, endpoints, signing and middleware stay the SDK's. What
// changes is how three operations are written and read: GetRecords, PutRecords
// and PutRecord, which carry the data. All others, and the event streams of
// SubscribeToShard, are left to the SDK's own protocol, which this package embeds.
// Clients that exist already are served per call: [Codec.Apply] is an option for both.
//
// # What holds
//
//   - What the SDK's own decoder yields for an answer is what this one yields, to
//     the nil and the empty slice, from JSON and from CBOR. Errors are made by the SDK's own
//     code. Where the SDK overlooks that JSON is malformed, this package refuses it.
//   - Data, SequenceNumber and PartitionKey alias the buffer that the answer was
//     read into. That buffer is ordinary garbage-collected memory and never reused: a
//     record stays valid for as long as it is referenced, and keeps its whole answer in
//     memory for as long.
//   - Nothing that was read is trusted: what is allocated is bounded by the bytes
//     that have arrived, whatever lengths they announce.
//   - No record is lost or stored twice because an endpoint does not speak CBOR.
//     See the table below.
//   - Payloads are copied into the request, once, so the caller may change them as soon as its
//     call has returned, also if the call was given up. The memory of the request is used
//     again for later ones; whoever reads it too late gets an error and no byte of another.
//   - Request bodies have no WriteTo, on any operation. It is what makes the SDK
//     fail with "use of closed network connection" when a server is fast: see plainStream.
//
// # The path of a call
//
//	GetRecords(in)
//	    |
//	  Initialize ... fallback <-------------- again, in JSON
//	    |                                        |
//	  Serialize     CBOR or JSON ---> endpoint   | what the answer allows
//	    |                 ^           (state)    |
//	  Build, Finalize     |              ^       |
//	  (sign, retry)       choose         learn   |
//	    |                                |       |
//	  Deserialize   the answer, by what it is ---+
//
// The fallback is a middleware at the end of the Initialize step. Calling its
// next handler twice builds, signs and retries a fresh request.
//
// # When an endpoint does not speak CBOR
//
// Some servers that are not AWS, and perhaps some endpoint of AWS, know JSON only,
// or answer CBOR that is wrong. With [Auto] that is noticed, remembered per endpoint,
// and repaired where repairing is safe. An endpoint that has answered in CBOR
// before is one that "has spoken".
//
//	answer to CBOR                              says        the call         the endpoint
//	------------------------------------------  ----------  ---------------  --------------------------
//	2xx CBOR, decoded                           spoke       done             has spoken
//	2xx CBOR, not the shape or malformed        broken      read: again      has not spoken: JSON for
//	                                                        put: error       good; has: doubted (for a
//	                                                                         read, if JSON works)
//	2xx CBOR, cut short, length not announced   neutral     error            as before
//	2xx JSON, decoded                           neutral     done             as before
//	2xx anything else, has spoken               neutral     error            as before
//	2xx anything else, has not                  suspicious  read: again      see below
//	                                                        put: error
//	415, or an error that says "unreadable"     refusal     again            JSON for good once the
//	                                                                         JSON call was understood
//	4xx CBOR                                    spoke       error            has spoken
//	4xx not CBOR, has spoken                    neutral     error            as before
//	4xx not CBOR, a throttle, a bad signature   neutral     error            as before
//	  or another error that can't be CBOR's
//	4xx not CBOR, any other                     doubtful    again            JSON for good if JSON fared
//	                                                                         otherwise than CBOR
//	5xx CBOR                                    spoke       error            has spoken
//	5xx not CBOR, has spoken                    neutral     error            as before
//	5xx not CBOR, has not                       suspicious  read: again      see below
//	                                                        put: error
//	3xx, or no answer at all                    neutral     error            as before
//
// "Error" means that the caller gets the error that the SDK would have given. "Again"
// means that the very same call is made once more in JSON, and the caller gets
// its result. A read is GetRecords: making it again changes nothing. A put is made again only
// when every attempt of the call, retries of the SDK included, was answered with 4xx: then
// nothing can have been stored. "Unreadable" is SerializationException,
// UnknownOperationException and UnsupportedMediaType.
//
// A put that was answered properly may still have been stored wrongly: there are
// servers (kinesalite 3.3.3) that take the bytes of a CBOR put, answer in good CBOR, and
// store something that no reader can read. No answer to the put tells. So puts
// are CBOR only where that is known to be safe, and JSON elsewhere:
//
//   - at AWS: no endpoint or resolver of the user's, or a host in a domain of AWS;
//   - after an answer to GetRecords came in CBOR with a payload that was bytes, which
//     such servers never send;
//   - after any answer with a header Accept-Post that names CBOR, as kintest sends it.
//
// A suspicious answer proves little: a proxy that has lost its backend gives it
// too. So the next call is JSON (for a read, the same call again). Does that fail as
// well, CBOR is next. Does it work, the endpoint is doubted: it is served with JSON
// for five minutes, and then CBOR gets one more trial, which decides.
//
// An endpoint is what the client's options say: base endpoint, region, FIPS, dual
// stack. Hosts behind one such key (account endpoints, a resolver of the user's)
// share what is known; the worst that comes of it is JSON where CBOR were possible.
package wire
