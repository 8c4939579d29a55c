// Package gocmd gets modules directly from version control, which GOPROXY calls
// "direct": with the go command, and with git as its client. A [Source] is an
// [upstream.Upstream] like any other.
//
//	s, err := gocmd.New(&gocmd.Options{
//		Private: "git.corp.example",           // fetched with credentials
//		Hosts:   []string{"git.corp.example"}, // its address is a private one
//	})
//	if err != nil {
//		return err // go or git is missing, or an option is wrong
//	}
//	defer s.Close()
//
// # What is fetched
//
// Only the file that is asked for: metadata and go.mod files come from "go list
// -m", without a zip being made, zips from "go mod download", and lists from "go
// list -m -versions -retracted", so that retracted versions stay in them. The
// files of one version, and of the modules of one repository, are had from one
// clone if they are asked for within a short time: commands for one module take
// turns. Modules of a repository that are asked for at the same moment are not
// known to be of one, and may be cloned as often as there are commands for one
// host at once. Files of modules for a newer Go than the go command's are served,
// too, but for their zips, which the go command refuses to make.
//
// # Isolation
//
// Each go command has a directory to itself: module cache, home, temporary
// files. It inherits none of our environment but PATH and what names the
// trusted certificate authorities. It asks nobody for a password, and has no
// terminal. When it ends, or is canceled, its whole process group is ended
// (where there are process groups) and its directory removed; what is kept for
// the next request of the same repository, for some seconds, is bounded, and gone
// after [Source.Close]. What a process leaves that dies is removed by the next
// one's [New], where there are locks (flock) to tell by. Time, the number of
// commands at once, in all and for one host, their output and what they receive
// are bounded. Their memory is not.
//
// # What can be reached
//
// The commands are told by strangers where to go: module paths, go-import
// pages, repositories and redirects all name hosts. Everything over https passes
// a proxy on loopback that serves one command at a time per token, resolves
// names itself, and connects to the address that it checked. What is refused,
// with class [upstream.Denied] and a word on which option would allow it:
//
//   - IP addresses, names without a dot, and localhost;
//   - names with an address that is not on the public internet;
//   - ports other than that of https;
//   - these three also where Options.Hosts names the host, unless Options.Private
//     matches the module or it is the module's own host;
//   - http, unless Options.Insecure matches the module; credentials are never
//     sent over it;
//   - ssh, unless Options.Private matches the module and Options.SSHHosts names the
//     host, for then git connects without our proxy;
//   - other version control systems than git, which could not be kept to the
//     proxy.
//
// The protocols git, file and ext, paths, and options in place of URLs are
// refused whatever the options say. The go command itself is led to the proxy
// even where it would not use one, for loopback addresses: it never speaks
// https, and go-import pages and module proxies that they lead to are asked by
// the proxy in its place. So such hosts have their credentials from
// Options.Netrc or Options.Credentials, where what GOAUTH says belongs.
//
// Some settings of a user's own git configuration lead past the guard: a proxy
// for a single URL (http.<url>.proxy) or remote, and content filters, which a
// private repository can choose from; those of git-lfs are switched off. What is
// above Options.Dir, a go.mod file or the configuration of a repository, is not
// looked at.
//
// # Credentials
//
// Credentials are used only for modules that Options.Private matches. Any
// module's page, or a redirect of its repository, can name a private repository:
// if it were read with our credentials, whoever asks us for that module would have
// the private code, under a name that no rule about private modules matches, and
// perhaps in a public checksum database. Nor does the host tell, since private and
// public repositories share it. So what Options.Private does not match is fetched
// as by a stranger: without netrc, git configuration, credential helpers, ssh and
// its agent, and over connections and from clones that were not made with them.
// For the same reason such a module reaches no host inside the network but the one
// that its path begins with. A private repository without Options.Private fails as
// for everybody, as "denied" or "not found", and the error says so.
//
// # Failures
//
// No error text is ever matched. The class of a failure comes from what the
// proxy saw, from the exit codes of git's processes, and from the HTTP status
// codes of their transfers, both of which git notes in traces (git 2.22 or
// later, and 2.31 for all of the isolation). A git that was killed or could not
// be started spoils the whole answer, even one that looks good. [upstream.NotFound] is a module
// whose host does not exist, by the word of a name server, unless Options.Private
// matches it, for that host's name may be known in another network alone; whose
// go-import page or repository is answered with 404 or 410, or whose page has no tag for it;
// and a version that is missing from a repository that was read. As for the go
// command, a repository that git is denied, but whose page is "not found", does
// not exist. What nobody proved is [upstream.Unavailable]. The words of git and
// the go command are in [upstream.Error.Text].
package gocmd
