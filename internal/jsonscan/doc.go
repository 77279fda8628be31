// Package jsonscan reads and writes JSON (RFC 8259) as AWS JSON 1.1 uses it,
// without allocating and without reflection.
//
// Reading is done by a [Scanner], a cursor over bytes that are already in
// memory, in one pass. The caller walks the structure that it expects and skips
// what it does not know:
//
//	{ "Data" : "AQID" , "Name" : "x\n" , "More" : [ ... ] }
//	^ ^        ^        ^        ^       ^        ^
//	| Key      Base64   Key      String  Key      Skip
//	Object     -> 01 02 03       -> "x", newline
//
//	err := s.Object()
//	for first := true; err == nil; first = false {
//		key, more, err := s.Key(first)
//		if err != nil || !more { ... }
//		switch string(key) { ... default: err = s.Skip() }
//	}
//
// What holds for every input, however hostile:
//
//   - No method panics, and the cursor never leaves the buffer.
//   - What is accepted is JSON as the standard library's encoding/json accepts
//     it, also in the parts that are skipped.
//   - Nesting deeper than [MaxDepth] is refused, so skipping needs no recursion.
//   - Strings alias the buffer. Escapes and base64 are decoded in place, over the
//     bytes that they were read from, so a Scanner owns its buffer and reads it once.
//     Only a string that has both escapes and invalid UTF-8 can grow, and is then copied.
//
// Strings without escapes are returned as they are, invalid UTF-8 included. Where
// a string with escapes holds invalid UTF-8 or half of a surrogate pair, each
// such byte or half becomes U+FFFD. Both is what the SDK's own decoder does.
//
// Writing is done by append functions for what the standard library has no fast
// form of: strings, base64 and times.
package jsonscan
