package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/module"
)

// cmdPolicy has the scripts' Breakwater served under a policy from now on:
//
//	policy deny PATTERNS REASON       a rule
//	policy only PATTERNS REASON       all else is denied
//	policy without PATTERNS VERSIONS  some versions are denied
//	policy cooldown DAYS [KEY...]     the origin says of these versions, as PATH@VERSION, that they are a day old
//	policy size BYTES
//	policy check REASON               every zip is denied
//	policy off
func cmdPolicy(ts *testscript.TestScript, _ bool, args []string) {
	s := stageOf(ts)
	p := fetch.Policy{}
	switch args[0] {
	case "deny":
		p.Rules = []fetch.Rule{{Patterns: args[1], Reason: args[2]}}
	case "only":
		p.Rules = []fetch.Rule{{Patterns: args[1], Allow: true}, {Patterns: "*", Reason: args[2]}}
	case "without":
		p.Rules = []fetch.Rule{{Patterns: args[1], Versions: args[2], Reason: "broken"}}
	case "cooldown":
		days, err := strconv.Atoi(args[1])
		ts.Check(err)
		p.Cooldown = time.Duration(days) * day
		s.origin.Fail(youthful(args[2:]))
	case "size":
		size, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		p.MaxZipSize = size
	case "check":
		p.Check = func(context.Context, module.Version, io.ReaderAt, int64) error { return errors.New(args[1]) }
	}
	policed, err := p.Wrap(s.client)
	ts.Check(err)
	ts.Defer(func() { policed.Close() })
	handler := fetch.NewHandler(policed, nil)
	s.handler.Store(&handler)
}

// youthful answers .info requests for some versions with yesterday's date.
func youthful(versions []string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, v := range versions {
			path, version, _ := strings.Cut(v, "@")
			if r.URL.Path == "/"+path+"/@v/"+version+".info" {
				fmt.Fprintf(w, `{"Version":%q,"Time":%q}`, version, time.Now().Add(-day).UTC().Format(time.RFC3339))
				return true
			}
		}
		return false
	}
}
