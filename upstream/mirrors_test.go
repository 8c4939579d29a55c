package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestMirrors(t *testing.T) {
	const has = upstream.Class(100) // not a class of errors
	type verdict struct {
		Asked      int
		Answered   string
		Class      upstream.Class
		Conclusive bool
	}
	tests := []struct {
		name    string
		members []upstream.Class
		want    verdict
	}{
		{"first has it", []upstream.Class{has, has}, verdict{Asked: 1, Answered: "a"}},
		{"first is down", []upstream.Class{upstream.Unavailable, has}, verdict{Asked: 2, Answered: "b"}},
		{"first is behind", []upstream.Class{upstream.NotFound, has}, verdict{Asked: 2, Answered: "b"}},
		{"first denies", []upstream.Class{upstream.Denied, has}, verdict{Asked: 2, Answered: "b"}},
		{"first lies", []upstream.Class{upstream.Untrusted, has}, verdict{Asked: 2, Answered: "b"}},
		{"nobody has it", []upstream.Class{upstream.NotFound, upstream.NotFound}, verdict{Asked: 2, Class: upstream.NotFound, Conclusive: true}},
		{"absent here, down there", []upstream.Class{upstream.NotFound, upstream.Unavailable}, verdict{Asked: 2, Class: upstream.NotFound}},
		{"down here, absent there", []upstream.Class{upstream.Timeout, upstream.NotFound}, verdict{Asked: 2, Class: upstream.NotFound}},
		{"all down", []upstream.Class{upstream.Unavailable, upstream.Timeout}, verdict{Asked: 2, Class: upstream.Timeout}},
		{"one alone", []upstream.Class{upstream.NotFound}, verdict{Asked: 1, Class: upstream.NotFound, Conclusive: true}},
		{"none", nil, verdict{Class: upstream.Unavailable, Conclusive: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := &log{}
			var members []upstream.Upstream
			for i, class := range test.members {
				s := &source{name: string(rune('a' + i)), log: asked, err: &upstream.Error{Class: class}}
				if class == has {
					s.err = nil
				}
				members = append(members, s)
			}
			resp, err := upstream.Mirrors(members...).Fetch(t.Context(), request(t, "a.b/c/@latest"))
			got := verdict{Asked: len(asked.lines)}
			if err == nil {
				got.Answered = resp.Source
			} else {
				e := wantError(t, err, test.want.Class)
				got.Class, got.Conclusive = e.Class, e.Conclusive()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// That a word like "off" has nothing says nothing of the mirrors.
func TestMirrorsWithoutSources(t *testing.T) {
	failing, absent := &source{name: "a", err: down}, &source{name: "a", err: missing}
	tests := []struct {
		name    string
		members []upstream.Upstream
		class   upstream.Class
		source  string
	}{
		{"failure before it", []upstream.Upstream{failing, upstream.Off()}, upstream.Unavailable, "a"},
		{"failure behind it", []upstream.Upstream{upstream.Direct(), failing}, upstream.Unavailable, "a"},
		{"behind middleware", []upstream.Upstream{failing, upstream.Meter()(upstream.Off())}, upstream.Unavailable, "a"},
		{"absence", []upstream.Upstream{absent, upstream.Off()}, upstream.NotFound, "a"},
		{"nothing else", []upstream.Upstream{upstream.Off(), upstream.Direct()}, upstream.NotFound, "direct"},
	}
	for _, test := range tests {
		for _, hedged := range []bool{false, true} {
			u := upstream.Mirrors(test.members...)
			if hedged {
				u = upstream.Hedge(u, nil)
			}
			_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if e := wantError(t, err, test.class); e.Source != test.source || len(e.Attempts) != 2 {
				t.Errorf("%s, hedged %v: the error is %s's, of %d attempts", test.name, hedged, e.Source, len(e.Attempts))
			}
		}
	}
}

// A list among the members brings its own attempts: they count like any others.
func TestMirrorsOfLists(t *testing.T) {
	list := upstream.Fallback(
		upstream.Step{Upstream: &source{name: "a", err: &upstream.Error{Class: upstream.NotFound}}},
		upstream.Step{Upstream: &source{name: "b", err: &upstream.Error{}}},
	)
	u := upstream.Mirrors(list, &source{name: "c", err: &upstream.Error{Class: upstream.NotFound}})
	_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	e := wantError(t, err, upstream.NotFound)
	var attempts []string
	for _, a := range e.Attempts {
		attempts = append(attempts, a.Source)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, attempts); diff != "" || e.Conclusive() {
		t.Errorf("conclusive: %v; attempts (-want +got):\n%s", e.Conclusive(), diff)
	}
}

func TestMirrorsEndWithTheCaller(t *testing.T) {
	asked := &log{}
	ctx, cancel := context.WithCancel(t.Context())
	leaving := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		cancel()
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: "a"}
	})
	_, err := upstream.Mirrors(leaving, &source{name: "b", log: asked}).Fetch(ctx, request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Canceled)
	if asked.lines != nil {
		t.Errorf("asked %v for a caller who had gone", asked.lines)
	}
}

func TestMirrorsKeepAnAnswerThatIsComplete(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	last := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		cancel()
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req}
	})
	_, err := upstream.Mirrors(last).Fetch(ctx, request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.NotFound) // everybody was asked
}

// The slice belongs to the caller.
func TestMirrorsCopiesItsMembers(t *testing.T) {
	members := []upstream.Upstream{&source{name: "a"}}
	u := upstream.Mirrors(members...)
	members[0] = &source{name: "b"}
	u.(upstream.Group).Members()[0] = &source{name: "c"}
	resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if err != nil || resp.Source != "a" {
		t.Errorf("answered by %+v, error %v; want a", resp, err)
	}
}

// While a mirror is down, the "not found" of another does not let a private
// name go on to the next entry of the list.
func TestInconclusiveMirrorsDoNotFallBack(t *testing.T) {
	asked := &log{}
	u := upstream.Fallback(
		upstream.Step{Upstream: upstream.Mirrors(
			&source{name: "down", err: &upstream.Error{Status: 503}},
			&source{name: "behind", err: &upstream.Error{Class: upstream.NotFound, Status: 404}},
		)},
		upstream.Step{Upstream: &source{name: "public", log: asked}},
	)
	if _, err := u.Fetch(t.Context(), request(t, "corp.example/secret/@v/list")); err == nil || len(asked.lines) != 0 {
		t.Errorf("got %v, after asking %v", err, asked.lines)
	}
}

// The last member was cut off by the end of the caller: that is no "not found",
// for it might have had it.
func TestMirrorsCutOffAreNotSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 100 { // the end of the call and that of the caller may be seen in any order
			ctx, cancel := context.WithTimeout(t.Context(), 200*ms)
			members := on(newStage(), actor{name: "a", err: missing}, actor{name: "b", takes: never})
			if i%4 == 0 {
				members[1] = upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
					upstream.ProgressOf(ctx).FirstByte() // keeps the race busy
					cancel()
					return nil, upstream.ContextError(ctx, req, "b")
				})
			}
			u := upstream.Mirrors(members...)
			if i%2 == 0 {
				u = upstream.Hedge(u, nil)
			}
			want := upstream.Timeout
			if i%4 < 2 {
				time.AfterFunc(100*ms, cancel)
				want = upstream.Canceled
			}
			_, err := u.Fetch(ctx, request(t, "a.b/c/@latest"))
			wantError(t, err, want)
			cancel()
			upstream.Drain(u)
		}
	})
}
