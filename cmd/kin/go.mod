module github.com/kinstream/kin/cmd/kin

go 1.26.0

require github.com/kinstream/kin v0.0.0

replace github.com/kinstream/kin => ../..
