// Package auth makes the credentials that HTTP sources send, for the field
// Credentials of [upstream.HTTPOptions].
//
//   - [New] understands what the go command accepts in the GOAUTH variable:
//     netrc files, git's credential helpers, and commands.
//   - [Netrc] reads one netrc file.
//   - [Bearer] and [Basic] ask a function of the program, for named servers.
//   - [First] tries several in order.
//
// What all have in common: a credential is given for a URL prefix, which is
// "host[:port][/path]". It matches the URLs of that host and port whose path
// begins with the elements of that path; of several prefixes that match, the
// longest counts. As with the go command there are no wildcards, and a host
// without a port is not the same host with one.
//
// That credentials stay off unencrypted connections, redirects to other hosts
// and errors is the work of the source that sends them; see
// [upstream.Credentials]. A value of this package prints as a description
// without secrets.
//
// Client certificates and private certificate authorities are not credentials of
// this kind: they belong to the connection, in the field TLS of
// [upstream.HTTPOptions].
//
//	creds, err := auth.New(os.Getenv("GOAUTH"), nil)
//	if err != nil {
//		return err
//	}
//	src, err := upstream.NewHTTP("https://proxy.example", &upstream.HTTPOptions{Credentials: creds})
//
// # Differences from the go command
//
// The go command ignores a netrc file that it cannot read; here it is an error,
// for a server that does not know us may say that a private module does not
// exist. A change of the file counts without a restart. A command is asked about
// a URL only after the status 401, 403 or 404, not after any from 400 to 499, and
// about one module at most once in 10 seconds. git is never told which of its
// credentials worked: it would erase from the user's own store what one server did
// not like. Nothing may prompt. Headers that would change the request itself are
// refused, and none follows a redirect to another host, whatever its name.
package auth
