package cli

import _ "modernc.org/sqlite" // the driver "sqlite": pure Go, so that the command needs no C compiler. A third of its build time.
