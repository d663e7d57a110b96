package rest

import (
	"context"
	"net/http/httptrace"
)

// Reach tells the request's trace that a connection was had, as the real
// transport does.
func Reach(ctx context.Context) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}
