package survey_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// Times and rates are those of the sources, and the faster is recommended first.
func TestRunMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newTree(t)
		r := run(t, &survey.Options{Sources: []survey.Source{
			files.paced("slow", 200*time.Millisecond, 0),
			files.paced("fast", 20*time.Millisecond, 0),
		}, Verifier: files.goSum(t)})
		zip := len(files[key(t, upstream.Zip, large)])
		for name, latency := range map[string]time.Duration{"slow": 200 * time.Millisecond, "fast": 20 * time.Millisecond} {
			f := figures(t, r, name)
			// In three rounds 4 small files are asked for, the first of which is the first of all.
			if diff := cmp.Diff(survey.Latency{First: latency, Median: latency, P95: latency, Count: 11}, f.Latency); diff != "" {
				t.Errorf("latency of %s (-want +got):\n%s", name, diff)
			}
			want := survey.Throughput{BytesPerSecond: float64(zip) / latency.Seconds(), Of: large.String(), Bytes: int64(zip), Count: 3}
			if diff := cmp.Diff(want, f.Throughput); diff != "" {
				t.Errorf("throughput of %s (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(survey.Coverage{Asked: 6, Had: 6}, f.Coverage); diff != "" {
				t.Errorf("coverage of %s (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(survey.Agreement{Hashed: 4, Confirmed: 4, Shared: 4}, f.Agreement); diff != "" {
				t.Errorf("agreement of %s (-want +got):\n%s", name, diff)
			}
		}
		if r.Recommended != "fast|slow" || r.Partial || r.Rounds != 3 {
			t.Errorf("recommended %q, partial %v after %d rounds, want fast|slow after all 3", r.Recommended, r.Partial, r.Rounds)
		}
	})
}

// What a source answers first is told apart from what it answers later.
func TestRunFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newTree(t)
		source := files.paced("source", 10*time.Millisecond, 0)
		inner, connected := source.Upstream, false
		source.Upstream = upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			if !connected {
				time.Sleep(300 * time.Millisecond)
			}
			connected = true
			return inner.Fetch(ctx, req)
		})
		f := figures(t, run(t, &survey.Options{Sources: []survey.Source{source}}), "source")
		want := survey.Latency{First: 310 * time.Millisecond, Median: 10 * time.Millisecond, P95: 10 * time.Millisecond, Count: 11}
		if diff := cmp.Diff(want, f.Latency); diff != "" {
			t.Errorf("latency (-want +got):\n%s", diff)
		}
	})
}

// For each file the sources take turns, forwards and backwards, and never two are
// asked at once.
func TestRunInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newTree(t)
		var asked []string
		underWay := 0
		watch := func(s survey.Source) survey.Source {
			inner := s.Upstream
			s.Upstream = upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				underWay++
				defer func() { underWay-- }()
				if underWay > 1 {
					t.Errorf("%s is asked beside another", s.Name)
				}
				asked = append(asked, s.Name+" "+req.Kind().String())
				return inner.Fetch(ctx, req)
			})
			return s
		}
		last := survey.Step{}
		run(t, &survey.Options{Rounds: 2, Sample: []module.Version{small}, OnAsk: func(s survey.Step) { last = s }, Sources: []survey.Source{
			watch(files.paced("a", time.Millisecond, 0)), watch(files.paced("b", time.Millisecond, 0)),
		}})
		want := strings.Split("a mod,b mod,b info,a info,a list,b list,b latest,a latest,a zip,b zip,"+
			"b mod,a mod,a info,b info,b zip,a zip", ",")
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if last.Done != len(want)-1 || last.Total != len(want) || last.Source != "a" {
			t.Errorf("the last step was told as %+v, want number %d of %[2]d at a", last, len(want))
		}
	})
}

// A zip that is too large, or too slow, is measured as far as it came, and not compared.
func TestRunBoundsZips(t *testing.T) {
	tests := []struct {
		name      string
		perByte   time.Duration
		maxZip    int64
		wantBytes int64
		count     int
	}{
		{"size", 0, 10_000, 10_000, 2},
		// A second is not enough for the large zip, and there is no second try.
		{"time", 100 * time.Microsecond, 0, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files := newTree(t)
				r := run(t, &survey.Options{Rounds: 2, MaxZip: test.maxZip, ZipTime: time.Second,
					Sources: []survey.Source{files.paced("source", time.Millisecond, test.perByte)}, Verifier: files.goSum(t)})
				f := figures(t, r, "source")
				got := f.Throughput
				if !got.Cut || got.Count != test.count || test.wantBytes > 0 && got.Bytes != test.wantBytes || got.Bytes >= 50_000 {
					t.Errorf("throughput is %+v, want %d of a part", got, test.count)
				}
				if f.Failures > 0 || f.Coverage.Had != 6 || f.Agreement.Confirmed != 3 {
					t.Errorf("%d failures, coverage %+v, agreement %+v, want no failure, all files and three that were compared", f.Failures, f.Coverage, f.Agreement)
				}
			})
		})
	}
}

// A source that hangs costs one wait, and another to find out why; the others are
// measured in full.
func TestRunHangingSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newTree(t)
		begun := time.Now()
		r := run(t, &survey.Options{Patience: 5 * time.Second, Sources: []survey.Source{
			files.paced("hangs", 24*time.Hour, 0), files.paced("works", 0, 0),
		}})
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("it took %v, want twice the patience", took)
		}
		f := figures(t, r, "hangs")
		if f.Reachable || !f.GivenUp || f.Calls != 1 || len(f.Findings) != 1 {
			t.Errorf("%+v, want it given up after one call, and a finding", f)
		}
		if diff := cmp.Diff(map[string]int{"timeout": 1}, f.Errors); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if r.Recommended != "works" || r.Partial {
			t.Errorf("recommended %q, partial %v, want works, in full", r.Recommended, r.Partial)
		}
	})
}

// When the budget is spent, or the caller interrupts, what was measured is told.
func TestRunPartial(t *testing.T) {
	tests := []struct {
		name      string
		budget    time.Duration
		interrupt time.Duration
		want      string
	}{
		{"budget", time.Second, time.Hour, "the time for measuring was spent"},
		{"interrupted", time.Hour, time.Second, "it was interrupted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(test.interrupt, cancel)
				begun := time.Now()
				r, err := survey.Run(ctx, &survey.Options{Sample: sample(), Budget: test.budget, Sources: []survey.Source{
					newTree(t).paced("source", 300*time.Millisecond, 0),
				}})
				if err != nil || !r.Partial || r.Ended != test.want || time.Since(begun) != time.Second {
					t.Fatalf("error %v, report %+v after %v, want a partial one after a second", err, r, time.Since(begun))
				}
				// Of the fourth call nothing is said: it was cut short by us.
				f := figures(t, r, "source")
				if f.Calls != 3 || f.Failures != 0 || f.Coverage.Had != 3 || r.Rounds != 0 {
					t.Errorf("%d calls, %d failures, coverage %+v, want three good calls", f.Calls, f.Failures, f.Coverage)
				}
				if last := r.Why[len(r.Why)-1]; !strings.Contains(last, test.want) {
					t.Errorf("the last reason is %q, want it to say that %s", last, test.want)
				}
			})
		})
	}
}

// A Verifier that cannot be asked is told of, and not waited for again and again.
func TestRunVerifierDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newTree(t)
		silent := &silentVerifier{Verifier: files.goSum(t)}
		r := run(t, &survey.Options{Patience: time.Second, Verifier: silent, Sources: []survey.Source{files.paced("a", 0, 0), files.paced("b", 0, 0)}})
		f := figures(t, r, "a")
		if silent.asked != 3 || f.Agreement.Confirmed != 0 || f.Agreement.Shared != 4 {
			t.Errorf("asked %d times, agreement %+v, want 3 times and hashes that are the same", silent.asked, f.Agreement)
		}
		if r.VerifierFailed == "" || r.Recommended != "a|b" {
			t.Errorf("the Verifier's failure is %q and %q recommended, want some words, and a|b", r.VerifierFailed, r.Recommended)
		}
	})
}

// silentVerifier does not answer.
type silentVerifier struct {
	verify.Verifier
	asked int
}

func (v *silentVerifier) Expect(ctx context.Context, _ module.Version, _ upstream.Kind) (verify.Sums, error) {
	v.asked++
	<-ctx.Done()
	return verify.Sums{}, ctx.Err()
}

// That there is no room for a zip is nobody's failure but this machine's.
func TestRunNoRoom(t *testing.T) {
	for name, size := range map[string]int{"at the end": 1_000, "on the way": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir()+"/missing")
			files := tree{}
			files.add(t, small, size)
			r, err := survey.Run(t.Context(), &survey.Options{Sample: []module.Version{small}, Sources: []survey.Source{files.paced("source", 0, 0)}})
			if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
				t.Fatalf("error is %v, want one that names TMPDIR", err)
			}
			if f := figures(t, r, "source"); f.Failures != 0 || !r.Partial {
				t.Errorf("%d failures, partial %v, want a partial report without failures", f.Failures, r.Partial)
			}
		})
	}
}

// change returns the source with a say in each answer; n counts the calls from 1.
func change(s survey.Source, what func(n int, req upstream.Request, resp *upstream.Response) error) survey.Source {
	inner, n := s.Upstream, 0
	s.Upstream = upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		n++
		resp, err := inner.Fetch(ctx, req)
		if err == nil {
			err = what(n, req, resp)
		}
		if err != nil {
			return nil, err
		}
		return resp, nil
	})
	return s
}

// Few answers that take long are in the 95th percentile and not in the median.
func TestRunPercentiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := change(newTree(t).paced("source", 10*time.Millisecond, 0), func(n int, _ upstream.Request, _ *upstream.Response) error {
			if n == 2 {
				time.Sleep(490 * time.Millisecond)
			}
			return nil
		})
		f := figures(t, run(t, &survey.Options{Sources: []survey.Source{source}}), "source")
		want := survey.Latency{First: 10 * time.Millisecond, Median: 10 * time.Millisecond, P95: 500 * time.Millisecond, Count: 11}
		if diff := cmp.Diff(want, f.Latency); diff != "" {
			t.Errorf("latency (-want +got):\n%s", diff)
		}
	})
}

// A file that came once is had, also if it failed before or fails later.
func TestRunFailsNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := change(newTree(t).paced("source", 0, 0), func(n int, _ upstream.Request, _ *upstream.Response) error {
			if n == 1 || n == 17 { // a go.mod file in the first round, and the other in the last
				return errors.New("not now")
			}
			return nil
		})
		f := figures(t, run(t, &survey.Options{Sources: []survey.Source{source}}), "source")
		if diff := cmp.Diff(survey.Coverage{Asked: 6, Had: 6}, f.Coverage); diff != "" || f.Failures != 2 || f.GivenUp {
			t.Errorf("%d failures, given up: %v, coverage (-want +got):\n%s", f.Failures, f.GivenUp, diff)
		}
	})
}

// What is shorter than announced has failed.
func TestRunShortBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := change(newTree(t).paced("source", 0, 0), func(_ int, req upstream.Request, resp *upstream.Response) error {
			if req.Kind() == upstream.Info {
				resp.Size++
			}
			return nil
		})
		f := figures(t, run(t, &survey.Options{Rounds: 1, Sources: []survey.Source{source}}), "source")
		if diff := cmp.Diff(survey.Coverage{Asked: 6, Had: 4, Failed: allFiles[2:4]}, f.Coverage); diff != "" {
			t.Errorf("coverage (-want +got):\n%s", diff)
		}
	})
}
