package gocmd

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// inherited are the only variables that commands have from our own process:
// what programs need to be found and to start at all, and which authorities the
// user trusts.
var inherited = []string{
	"PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH",
	"SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "WINDIR", // Windows cannot start programs without
}

// environ returns the whole environment of a command.
func (s *Source) environ(w *workspace, ses *session) []string {
	var env []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	env = append(env,
		"HOME="+w.home(), "USERPROFILE="+w.home(), "AppData="+w.home()+"/AppData", "LocalAppData="+w.home(),
		"TMPDIR="+w.tmp(), "TMP="+w.tmp(), "TEMP="+w.tmp(),
		"LC_ALL=C",
	)
	env = append(env, s.goEnviron(w)...)
	env = append(env, s.proxyEnviron(ses)...)
	env = append(env, s.gitEnviron(w, ses)...)
	return env
}

func (s *Source) goEnviron(w *workspace) []string {
	return []string{
		"GOPATH=" + w.gopath(), "GOMODCACHE=" + w.modcache(), "GOCACHE=" + w.cache(), "GOTMPDIR=",
		"GOENV=off", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GO111MODULE=on",
		"GOPROXY=direct", "GONOPROXY=none", "GOSUMDB=off", "GONOSUMDB=none", "GOAUTH=off",
		"GOPRIVATE=" + s.opts.Private, "GOVCS=" + s.opts.vcs.govcs(),
		"GOINSECURE=*", // so that the gateway is asked, which knows better what may be insecure
	}
}

// proxyEnviron leads everything to the proxy. The go command reads the names in
// upper case first, and git those in lower case. Where there is no difference
// the last one counts, and git has its own from its configuration.
func (s *Source) proxyEnviron(ses *session) []string {
	forGo, forGit := s.proxy.url(ses, userGo), s.proxy.url(ses, userGit)
	return []string{
		"https_proxy=" + forGit, "http_proxy=" + forGit, "all_proxy=" + forGit, "no_proxy=",
		"HTTPS_PROXY=" + forGo, "HTTP_PROXY=" + forGo, "NO_PROXY=",
	}
}

func (s *Source) gitEnviron(w *workspace, ses *session) []string {
	ssh, config := "false", os.DevNull // git does not get as far as ssh
	if ses.private {
		config = s.opts.GitConfig
	}
	if len(ses.ssh) > 0 {
		ssh = shellQuote(w.sshScript())
	}
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + config, "GIT_ATTR_NOSYSTEM=1",
		"GIT_ALLOW_PROTOCOL=" + strings.Join(ses.protocols(), ":"),
		"GIT_CEILING_DIRECTORIES=" + w.dir, // or git goes by the configuration of a repository above it
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=never", "GCM_INTERACTIVE=never",
		"GIT_SSH_COMMAND=" + ssh, "GIT_SSH_VARIANT=ssh",
		"GIT_TRACE2_EVENT=" + w.events(), "GIT_TRACE2_EVENT_BRIEF=1",
		"GIT_TRACE_CURL=" + w.transfers(), "GIT_TRACE_CURL_NO_DATA=1", "GIT_TRACE_REDACT=1",
	}
	if ses.private && s.opts.SSHAuthSock != "" {
		env = append(env, "SSH_AUTH_SOCK="+s.opts.SSHAuthSock)
	}
	if s.opts.RootCAs != "" {
		env = append(env, "GIT_SSL_CAINFO="+s.opts.RootCAs)
	}
	return append(env, gitConfig(s.proxy.url(ses, userGit), ses.trust)...)
}

// gitConfig is configuration that comes before all files.
func gitConfig(proxy string, t trust) []string {
	settings := [][2]string{
		{"http.proxy", proxy},
		{"http.proxyAuthMethod", "basic"},
		{"protocol.ext.allow", "never"},
		{"protocol.file.allow", "never"},
		{"gc.auto", "0"},              // git collects garbage in a process of its own session,
		{"maintenance.auto", "false"}, // which no signal to the group reaches
		{"core.fsmonitor", "false"},
		{"core.hooksPath", os.DevNull},
		{"safe.directory", "*"},
		{"fetch.unpackLimit", "1"}, // loose objects take any room: a delta is a small part of what it makes
		{"transfer.unpackLimit", "1"},
		{"filter.lfs.process", ""}, // or a repository would name a server to get large files from
		{"filter.lfs.smudge", ""},
		{"filter.lfs.clean", ""},
		{"filter.lfs.required", "false"},
	}
	if !t.private {
		settings = append(settings,
			[2]string{"credential.helper", ""},   // none, also of files that a vendor's git reads besides
			[2]string{"http.emptyAuth", "false"}, // or git may log in as the user of this machine (NTLM, Kerberos)
		)
	}
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings))}
	for i, kv := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return env
}

// sshScript is what git calls in place of ssh: a script that finds the
// destination among the arguments, as git gives them (options, destination,
// command), and goes on only to a host of Options.SSHHosts. The test that git
// makes with "-G" connects to nothing.
func sshScript(s *settings, refused string) string {
	hosts := make([]string, len(s.SSHHosts))
	for i, host := range s.SSHHosts {
		hosts[i] = strings.ToLower(host)
	}
	return `#!/bin/sh
skip=
dest=
for arg in "$@"; do
	if [ -n "$skip" ]; then skip=; continue; fi
	case $arg in
	-o|-p|-P|-F|-i|-l|-J|-W|-L|-R|-D|-S|-c|-m|-b|-e|-E|-I|-Q|-w|-B) skip=1 ;;
	-*) ;;
	*) dest=$arg; break ;;
	esac
done
host=$(printf %s "${dest##*@}" | tr 'A-Z' 'a-z')
case $host in
` + strings.Join(hosts, "|") + `) ;;
*)
	printf '%s\n' "$host" >` + shellQuote(refused) + `
	echo "ssh to this host is off" >&2
	exit 255 ;;
esac
` + s.GitSSHCommand + ` "$@"
`
}

// shellQuote makes one word of s for a POSIX shell.
func shellQuote(s string) string {
	if runtime.GOOS == "windows" {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
