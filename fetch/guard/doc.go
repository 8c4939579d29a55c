// Package guard has ready-made pieces for a module proxy that strangers can
// reach: what the handler's Authorize may ask, a limit on each caller's rate of
// requests, and a server with limits and an orderly end.
//
//	users := guard.FirstOf(
//		guard.Basic("modules", passwords), // what a netrc file has
//		guard.Certificate(nil),            // mutual TLS
//	)
//	modules := fetch.NewHandler(client, &fetch.HandlerOptions{
//		Authorize: guard.AllOf(
//			users.Check,
//			guard.Only("corp.example/secret", users.Users("ann", "bob")),
//		),
//		Caller: users.Caller,
//	})
//	server := guard.Server(guard.Rate(modules, nil), nil)
//	err := guard.Serve(ctx, server, listener, 0) // until ctx ends
//
// An [Authenticator] finds out who is asking: [Basic], [Bearer], [Certificate],
// or a func of one's own, as examples/oidc has one for OpenID Connect. A [Check]
// says who may have what, also of what is already in the cache: [AllOf], [AnyOf],
// [Only] and [Hidden] put checks together, [Networks] asks for an address.
// Whatever is missing, empty or malformed refuses.
//
// With an Authorize the handler's answers are private (Cache-Control), so that a
// cache in front of it does not hand to others what one caller may have. A cache
// that keeps them all the same does.
//
// # What a hostile request gets
//
// From [Server] in front of [fetch.NewHandler], over HTTP/1.1. Over HTTP/2 it
// comes to the same; what is said of a connection is then said of the stream, if
// not marked. Nothing of this asks a source, and no answer repeats a credential.
//
//	request                                    answer
//	-------                                    ------
//	path with "..", "//", "\", escaped or not  404: paths are never cleaned or
//	                                           resolved, only parsed
//	escaped NUL, line break, not UTF-8         404
//	raw NUL or control character, bad escape   400, connection closed
//	path longer than 2 KiB                     404
//	URL over 4 KiB, or query over 256 bytes    414
//	shorter query                              ignored
//	absolute URL of whatever host              its path is answered; nothing is
//	                                           fetched from that host
//	credentials in the URL                     400; in the Host: 400, HTTP/2:
//	                                           stream reset
//	no Host, two, or a malformed one           400, connection closed
//	Host not in ServerOptions.Hosts, if set    421 (DNS rebinding)
//	headers beyond 64 KiB                      431, connection closed
//	control character, space in header name    400, connection closed
//	two lengths, or a malformed one            400, connection closed
//	a length and chunks (request smuggling)    400, connection closed
//	a body, of whatever method                 400 at once; 1 s later the
//	                                           connection is closed
//	POST, PUT, CONNECT, "OPTIONS *", ...       405
//	an unknown Expect; HTTP version; encoding  417; 505; 501; connection closed
//	garbage after a request                    the request is answered, then
//	                                           400, connection closed
//	more than 8 ranges, or two Range headers   200 and the whole file
//	a malformed range, or one beyond the end   416
//	Via longer than 1 KiB, or with our own ID  403
//	X-Forwarded-For and its like               ignored, unless ForwardedFor is
//	                                           told who may say it
//	two Authorization headers                  401
//	wrong password, unknown user               401, the same for both
//	what a Check refuses                       403; Hidden: 404
//	too many requests                          held back for up to 2 s, then 429
//	                                           with Retry-After (Rate)
//	header or TLS handshake longer than 10 s   connection closed
//	no request for 2 minutes                   connection closed
//	less than 256 KiB taken in 2 minutes       cut off: connection closed,
//	                                           HTTP/2: stream reset
//	HTTP/2: streams opened and reset at once   no more than 250 handlers run;
//	                                           connection closed
//	HTTP/2: endless header or preface          connection closed
//	HTTP/2: nothing taken from the connection  connection closed
//
// The paths that source servers are asked for, redirects to other hosts and
// addresses that must not be reached are the sources' part: see package upstream.
package guard
