package observability_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A stage is one of a Dockerfile: its instructions, by their words.
type stage struct {
	name, base   string
	instructions [][]string
}

func readStages(t *testing.T) []stage {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(readFile(t, "Dockerfile"), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	var all []stage
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "FROM" && len(words) == 4 && words[2] == "AS":
			all = append(all, stage{name: words[3], base: words[1]})
		case words[0] == "FROM":
			t.Fatalf("a stage without a name: %s", line)
		default:
			last := &all[len(all)-1]
			last.instructions = append(last.instructions, words)
		}
	}
	return all
}

// of returns the instructions of that name.
func (s stage) of(name string) [][]string {
	var found [][]string
	for _, words := range s.instructions {
		if words[0] == name {
			found = append(found, words[1:])
		}
	}
	return found
}

// command returns the words of an instruction that is a JSON list.
func (s stage) command(t *testing.T, name string) []string {
	t.Helper()
	found := s.of(name)
	if len(found) != 1 {
		t.Fatalf("stage %s has %d of %s", s.name, len(found), name)
	}
	var words []string
	if err := json.Unmarshal([]byte(strings.Join(found[0], " ")), &words); err != nil {
		t.Fatalf("stage %s: %s is no list: %v", s.name, name, err)
	}
	return words
}

// checkImage wants a name without registry and a tag that stays what it is.
func checkImage(t *testing.T, image string) {
	t.Helper()
	name, tag, _ := strings.Cut(image, ":")
	host, _, below := strings.Cut(name, "/")
	if tag == "" || tag == "latest" || below && strings.ContainsAny(host, ".:") {
		t.Errorf("image %s", image)
	}
}

func TestDockerfile(t *testing.T) {
	program := buildProxy(t)
	names := map[string]bool{}
	for _, s := range readStages(t) {
		if s.base != "scratch" {
			checkImage(t, s.base)
		}
		checkCopies(t, s, names)
		names[s.name] = true
		if s.name == "build" {
			continue
		}
		if user := s.of("USER"); len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0][0]) {
			t.Errorf("stage %s runs as %v", s.name, user)
		}
		args := append(s.command(t, "ENTRYPOINT")[1:], s.command(t, "CMD")...)
		checkFlags(t, program, args)
		if port := s.of("EXPOSE"); len(port) != 1 || !slices.Contains(args, "0.0.0.0:"+port[0][0]) {
			t.Errorf("stage %s exposes %v and listens as %v", s.name, port, args)
		}
		if volume := s.of("VOLUME"); len(volume) != 1 || !slices.Contains(args, volume[0][0]) {
			t.Errorf("stage %s has the volume %v and is run with %v", s.name, volume, args)
		}
	}
}

// checkCopies wants what is copied to be there: in the repository, or in a stage before.
func checkCopies(t *testing.T, s stage, before map[string]bool) {
	t.Helper()
	for _, words := range s.of("COPY") {
		from := ""
		for strings.HasPrefix(words[0], "--") {
			if name, ok := strings.CutPrefix(words[0], "--from="); ok {
				from = name
			}
			words = words[1:]
		}
		if from != "" {
			if !before[from] {
				t.Errorf("COPY from the stage %q, which is not before %q", from, s.name)
			}
			continue
		}
		for _, file := range words[:len(words)-1] {
			if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, words := range s.of("RUN") {
		for _, word := range words {
			if strings.HasPrefix(word, "./") {
				if _, err := os.Stat(filepath.Join("..", "..", word)); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// checkFlags has the program read its flags, and then -h.
func checkFlags(t *testing.T, program string, args []string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program, append(slices.Clone(args), "-h")...).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(output), "usage: ") {
		t.Errorf("%v: %v\n%s", args, err, output)
	}
}
