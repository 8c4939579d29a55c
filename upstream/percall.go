package upstream

import (
	"context"
	"errors"
)

// What belongs to one call and not to the question travels in the context.

// ErrOffline is the cause of a failure for which no source was asked, because
// the call or the whole Fetcher is offline.
var ErrOffline = errors.New("offline, and there is no copy at hand: fetch it once while online")

type (
	offlineKey    struct{}
	viaKey        struct{}
	lastResortKey struct{}
)

// WithOffline returns a context whose calls are answered from what is at hand:
// a Fetcher asks no source, and a source from [NewHTTP] makes no connection.
func WithOffline(ctx context.Context) context.Context {
	return context.WithValue(ctx, offlineKey{}, true)
}

// Offline reports whether ctx was made by [WithOffline].
func Offline(ctx context.Context) bool {
	v, _ := ctx.Value(offlineKey{}).(bool)
	return v
}

// WithVia returns a context whose requests over HTTP carry the given Via header
// (RFC 9110, section 7.6.3). A proxy that finds itself in the header it
// receives knows that its sources lead back to itself.
func WithVia(ctx context.Context, via string) context.Context {
	return context.WithValue(ctx, viaKey{}, via)
}

// Via returns the header value that [WithVia] put into ctx, or "".
func Via(ctx context.Context) string {
	v, _ := ctx.Value(viaKey{}).(string)
	return v
}

// WithLastResort returns a context for calls that nobody else can answer any
// more: a circuit that is open lets one through now and then.
func WithLastResort(ctx context.Context) context.Context {
	return context.WithValue(ctx, lastResortKey{}, true)
}

// LastResort reports whether ctx was made by [WithLastResort].
func LastResort(ctx context.Context) bool {
	v, _ := ctx.Value(lastResortKey{}).(bool)
	return v
}
