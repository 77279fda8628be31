// Package sdk checks kin serve with the AWS SDKs of other languages. Each has a
// small program in its own language, which puts records, gets them back byte for
// byte, has them pushed, reshards, and meets an error:
//
//	kin serve (a process) <── js/check.mjs        JSON, HTTP/1.1 and HTTP/2
//	                      <── python/check.py     JSON, HTTP/1.1
//	                      <── java/.../Check.java CBOR, HTTP/1.1 and HTTP/2
//
// The programs say on one line what they counted; here is only checked that they
// were content and counted right.
//
// Beside them are the programs that package client runs: java/.../Kcl.java and Kpl.java, with the KCL's unpacking
// and the KPL, and python/aggregated.py, with the aggregation library for Python.
package sdk
