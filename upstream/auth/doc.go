// Package auth makes the credentials that HTTP sources send, for the field
// Credentials of [upstream.HTTPOptions].
//
//	creds, err := auth.New(os.Getenv("GOAUTH"), nil)
//	if err != nil {
//		return err
//	}
//	src, err := upstream.NewHTTP("https://proxy.example",
//		&upstream.HTTPOptions{Credentials: creds})
//
// There are four kinds, and a program may bring its own:
//
//   - [New] understands what the go command accepts in the GOAUTH variable:
//     netrc files, git's credential helpers, and commands.
//   - [Netrc] reads one netrc file.
//   - [Bearer] and [Basic] ask a function of the program, for named servers.
//   - [First] tries several in order.
//
// # Which server gets them
//
// A credential is given for a URL prefix, which is "host[:port][/path]". It matches
// the URLs of that host and port whose path begins with the elements of that path;
// of several prefixes that match, the longest counts. As with the go command there
// are no wildcards, and a host without a port is not the same host with one.
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
// # Differences from the go command
//
// The go command ignores a netrc file that it cannot read; here it is an error,
// for a server that does not know us may say that a private module does not
// exist. A change of the file counts without a restart. git is never told which of
// its credentials worked: it would erase from the user's own store what one server
// did not like. Nothing may prompt. Headers that would change the request itself
// are refused, and none follows a redirect to another host, whatever its name.
//
// The go command runs commands after any status from 400 to 499; here it is after
// 401, 403, and 404 where nothing was sent, and not for every module. A service
// asks for what its clients name, and each name that does not exist would run the
// command, with the honest waiting behind it. So within 10 seconds a command is
// asked about one module once, and about one host, after each status, at most 4
// times in vain; after 404 once in vain, unless there are credentials for other
// URLs of the host or it has answered 401 or 403 before. Requests that are refused
// while a command runs for their host wait for what it gives. A run that failed
// other than by its exit status counts for the whole host. Until the time is over
// the refusal of all others stands. What is not bounded is a command that gives
// credentials for whatever single path it is asked about: it is run for each.
//
// After a 404 an exit status other than 0 means, as for the go command, that there
// are no credentials: the 404 stands, and the next source is asked. After 401 and
// 403 the failure is told. A command that was killed, did not end in time or
// printed what cannot be read makes a 404 no answer.
//
// What is lost: where a server hides modules from strangers by 404, and a command
// gives credentials only for the single paths it is asked about, or fails because
// its own login has run out, a private module may be taken to be absent. Then its
// name is told to the next source, and what that has by the name counts, if no
// checksum is known. Whoever may ask for modules that do not exist can bring this
// about, every 10 seconds. It does not happen with credentials that are known
// beforehand: of a netrc file, of a function, or of a command that prints its
// prefixes when it is run without a URL; nor, but for the failing login, with those
// that a command or git gives for the whole host.
package auth
