package observability_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type compose struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       struct{ Context, Dockerfile, Target string }
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	NetworkMode string   `yaml:"network_mode"`
	DependsOn   []string `yaml:"depends_on"`
	CapDrop     []string `yaml:"cap_drop"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	if err := yaml.Unmarshal([]byte(readFile(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompose(t *testing.T) {
	c := readCompose(t)
	if len(c.Services) != 3 {
		t.Errorf("%d services", len(c.Services))
	}
	for name, s := range c.Services {
		if s.Image != "" {
			checkImage(t, s.Image)
		}
		if !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s keeps capabilities", name)
		}
		c.checkNames(t, name, s)
		c.checkPorts(t, name, s)
	}
	c.checkBuild(t, c.Services["proxy"])
	checkFlags(t, buildProxy(t), c.Services["proxy"].Command)
}

// checkNames looks for the services, files and volumes that a service names.
func (c compose) checkNames(t *testing.T, name string, s service) {
	t.Helper()
	others := slices.Clone(s.DependsOn)
	if other, ok := strings.CutPrefix(s.NetworkMode, "service:"); ok {
		others = append(others, other)
	}
	for _, other := range others {
		if _, ok := c.Services[other]; !ok {
			t.Errorf("%s: there is no service %q", name, other)
		}
	}
	for _, v := range s.Volumes {
		from, _, _ := strings.Cut(v, ":")
		if _, ok := c.Volumes[from]; ok {
			continue
		}
		if _, err := os.Stat(from); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkPorts wants ports to be published on this machine alone, and somebody to
// listen there: the service, or one in the same network namespace.
func (c compose) checkPorts(t *testing.T, name string, s service) {
	t.Helper()
	var said []string
	for other, o := range c.Services {
		if other == name || o.NetworkMode == "service:"+name {
			said = append(said, o.Command...)
		}
	}
	for _, p := range s.Ports {
		port, ok := strings.CutPrefix(p, "127.0.0.1:")
		_, inside, _ := strings.Cut(port, ":")
		if !ok {
			t.Errorf("%s publishes %s to everybody", name, p)
		}
		if len(said) > 0 && !slices.ContainsFunc(said, func(arg string) bool { return strings.HasSuffix(arg, "0.0.0.0:"+inside) }) {
			t.Errorf("%s publishes %s, where nobody listens: %v", name, p, said)
		}
	}
}

func (c compose) checkBuild(t *testing.T, s service) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	target := regexp.MustCompile(`^\$\{\w+:-(\w+)\}$`).FindStringSubmatch(s.Build.Target)
	if target == nil || !slices.ContainsFunc(readStages(t), func(s stage) bool { return s.name == target[1] }) {
		t.Errorf("there is no stage %q", s.Build.Target)
	}
}

// TestComposePlugin has docker itself read the file, where it has the plugin for that.
func TestComposePlugin(t *testing.T) {
	docker := tool(t, "docker")
	if err := exec.Command(docker, "compose", "version").Run(); err != nil {
		t.Skip("docker has no compose plugin here")
	}
	t.Setenv("GOPROXY", "https://proxy.example")
	t.Setenv("GRAFANA_PASSWORD", "secret")
	run(t, docker, "compose", "-f", "compose.yaml", "config", "--quiet")
}

// What Grafana is given must fit together: where the dashboard is, and the variable
// by which it finds Prometheus.
func TestGrafanaProvisioning(t *testing.T) {
	var dashboards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	var datasources struct {
		Datasources []struct{ Type, URL string }
	}
	for file, to := range map[string]any{"dashboards/breakwater.yaml": &dashboards, "datasources/prometheus.yaml": &datasources} {
		if err := yaml.Unmarshal([]byte(readFile(t, "grafana/provisioning/"+file)), to); err != nil {
			t.Fatal(err)
		}
	}
	grafana := readCompose(t).Services["grafana"]
	want := "./grafana/dashboard.json:" + dashboards.Providers[0].Options.Path + "/breakwater.json:ro"
	if !slices.Contains(grafana.Volumes, want) {
		t.Errorf("volumes %v, want %s among them", grafana.Volumes, want)
	}
	source := datasources.Datasources[0]
	if source.Type != "prometheus" || grafana.Environment[strings.Trim(source.URL, "${}")] == "" {
		t.Errorf("datasource %+v with %v", source, grafana.Environment)
	}
}
