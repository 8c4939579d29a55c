package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// ErrCutOff is what the error of [Serve] wraps when requests under way did not
// finish in time.
var ErrCutOff = errors.New("requests under way have been cut off")

// Serve serves on listener until ctx ends. Then it takes no more connections and
// lets the requests under way finish, for up to drain. Those that do not are cut
// off: their connections are closed and their contexts end. Zero means 30 s for
// drain; where it is negative, none is waited for.
//
// If the server has a TLSConfig it speaks https, by the certificates in it.
//
// When Serve returns the listener is closed, and unless the error wraps
// [ErrCutOff] no request is under way: what the handler needs may be closed, too.
// An error from before ctx's end is the listener's, or [http.ErrServerClosed] where
// somebody else has shut the server down.
func Serve(ctx context.Context, server *http.Server, listener net.Listener, drain time.Duration) error {
	defer listener.Close() // which ServeTLS leaves open where it finds no certificate
	ended := make(chan error, 1)
	go func() { ended <- accept(server, listener) }()
	select {
	case err := <-ended:
		return errors.Join(err, finish(server, drain))
	case <-ctx.Done():
		err := finish(server, drain)
		<-ended
		return err
	}
}

// finish lets the requests under way finish, for up to drain.
func finish(server *http.Server, drain time.Duration) error {
	drain = max(cmp.Or(drain, 30*time.Second), 0)
	draining, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := server.Shutdown(draining)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	server.Close() // whose error is of the listener, which is closed already
	return fmt.Errorf("%w: they were not finished %v after the end was asked for", ErrCutOff, drain)
}

func accept(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}
