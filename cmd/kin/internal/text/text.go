// Package text carries a real text for demonstrations: 111,711 lines of books in
// the public domain. ORIGIN.md says which, where they are from, and the rights.
package text

import (
	"bytes"
	"compress/bzip2"
	_ "embed" // for library
	"io"
)

// Lines is the number of lines of the library.
const Lines = 111_711

//go:embed library.txt.bz2
var library []byte

// Library returns a reader of the text, lines ended by \n, in UTF-8.
func Library() io.Reader { return bzip2.NewReader(bytes.NewReader(library)) }
