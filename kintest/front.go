package kintest

// front is what the transport keeps in a Server.
type front struct{}

func (f *front) init(*Server) {}
