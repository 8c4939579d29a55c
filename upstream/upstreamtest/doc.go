// Package upstreamtest checks that an [upstream.Upstream] keeps the promises
// which the interface makes, in the manner of testing/fstest.
//
// A test gives the Upstream something to serve, and says what that is:
//
//	func TestMySource(t *testing.T) {
//		src := mysource.New(...)
//		err := upstreamtest.Test(src, map[string]string{
//			"example.com/a/@v/list":        "v1.0.0\n",
//			"example.com/a/@v/v1.0.0.info": `{"Version":"v1.0.0"}`,
//		})
//		if err != nil {
//			t.Fatal(err)
//		}
//	}
//
// The Upstream may be a source, a combination of sources or middleware around
// either. No real service should stand behind it, for it is asked for things
// that do not exist.
package upstreamtest
