package fetch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// GoSettings are the go command's settings that say where modules come from, in the
// go command's own form (https://go.dev/ref/mod#environment-variables). What is empty
// is as for the go command, but for GOPROXY, which has no default here.
type GoSettings struct {
	GOPROXY   string // list of sources; needed where Options has no Upstream
	GONOPROXY string // patterns of modules that no proxy may be asked for, only version control; empty: those of GOPRIVATE
	GONOSUMDB string // patterns of modules that no checksum database may be asked for; empty: those of GOPRIVATE
	GOSUMDB   string // the checksum database; empty: the public one

	// What fetches directly from version control goes by these.
	GOPRIVATE  string // patterns of the modules that GOVCS calls private
	GOINSECURE string // patterns of modules that may be fetched without encryption
	GOVCS      string // which version control systems may be used for what

	GOAUTH string // where credentials for https sources come from (go help goauth)
}

var errNoProxy = errors.New("no GOPROXY is set (and without a go command in PATH there is no default): name your module proxies in the environment or in the options")

// ReadGoSettings returns the settings that are in force for the user: those of
// `go env`, so that `go env -w` counts. Where no go command is installed, they
// are read from the environment and the user's go/env file, of at most 1 MiB. An empty
// GOPROXY is an error, which says what to set. The go command is given 10 s.
func ReadGoSettings(ctx context.Context) (GoSettings, error) {
	env, err := goEnv(ctx)
	if errors.Is(err, exec.ErrNotFound) {
		env, err = userEnv()
	}
	if err != nil {
		return GoSettings{}, fmt.Errorf("reading the go command's settings: %w", err)
	}
	private := env["GOPRIVATE"]
	s := GoSettings{
		GOPROXY:   env["GOPROXY"],
		GONOPROXY: cmp.Or(env["GONOPROXY"], private),
		GONOSUMDB: cmp.Or(env["GONOSUMDB"], private),
		GOSUMDB:   cmp.Or(env["GOSUMDB"], defaultSumDB),
		GOPRIVATE: private, GOINSECURE: env["GOINSECURE"], GOVCS: env["GOVCS"],
		GOAUTH: cmp.Or(env["GOAUTH"], "netrc"), // which is the go command's default
	}
	if s.GOPROXY == "" {
		return s, errNoProxy
	}
	return s, nil
}

// defaultSumDB is the go command's default for GOSUMDB.
const defaultSumDB = "sum.golang.org"

var settingNames = []string{
	"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
}

// goEnv asks the go command. It runs in an empty directory with its toolchain
// fixed: inside a module it might otherwise download another toolchain, perhaps
// through us.
func goEnv(ctx context.Context) (map[string]string, error) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		return nil, exec.ErrNotFound
	}
	dir, err := os.MkdirTemp("", "breakwater-goenv-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, goCommand, append([]string{"env", "-json"}, settingNames...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "PWD="+dir)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return env, nil
}

// userEnv reads what `go env -w` has written, and the environment, which wins.
func userEnv() (map[string]string, error) {
	env := map[string]string{}
	if file := userEnvFile(); file != "" {
		text, err := readEnvFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				env[name] = value
			}
		}
	}
	for _, name := range settingNames {
		if value := os.Getenv(name); value != "" {
			env[name] = value
		}
	}
	return env, nil
}

// maxEnvFile bounds a go/env file, in bytes. One has a line for each setting.
const maxEnvFile = 1 << 20

func readEnvFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Mode()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket) != 0 { // a pipe might block for ever
		return "", fmt.Errorf("GOENV: %s is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err == nil && len(data) > maxEnvFile {
		err = fmt.Errorf("GOENV: %s is larger than the %d bytes allowed", name, maxEnvFile)
	}
	return string(data), err
}

// userEnvFile is the go command's rule (cmd/go/internal/cfg, EnvFile).
func userEnvFile() string {
	if file := os.Getenv("GOENV"); file == "off" {
		return ""
	} else if file != "" {
		return file
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "go", "env")
}
