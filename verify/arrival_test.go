package verify_test

import (
	"io"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// What arrives can be read while it does, by a reader taken when it was announced.
func TestArrivals(t *testing.T) {
	body, source := io.Pipe()
	arrived := make(chan *cache.SpoolReader, 1)
	var told []verify.Arrival
	ctx := verify.WithArrivals(t.Context(), func(a verify.Arrival) {
		told = append(told, a)
		arrived <- a.Spool.Reader(t.Context())
	})
	done := make(chan error)
	go func() {
		resp, err := verify.Spooled(nil)(answering(body, 10)).Fetch(ctx, request(t, zipKey))
		if err == nil {
			err = resp.Body.Close()
		}
		done <- err
	}()
	r := <-arrived
	defer r.Close()
	io.WriteString(source, "begin")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(r, buf); err != nil || string(buf) != "begin" {
		t.Errorf("read %q, %v", buf, err)
	}
	io.WriteString(source, "!ends")
	source.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("!ends", string(rest)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(told) != 1 || told[0].Size != 10 || told[0].Request != request(t, zipKey) || told[0].Source == "" {
		t.Errorf("told %+v", told)
	}
}

// Only zips are worth announcing.
func TestArrivalsOfZipsOnly(t *testing.T) {
	ctx := verify.WithArrivals(t.Context(), func(a verify.Arrival) { t.Errorf("announced %+v", a) })
	for _, key := range []string{infoKey, modKey} {
		resp, err := verify.Spooled(nil)(answering(newBody("content"), 7)).Fetch(ctx, request(t, key))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
