module github.com/kinstream/kin/e2e

go 1.26.0

require github.com/kinstream/kin v0.0.0

replace github.com/kinstream/kin => ..
