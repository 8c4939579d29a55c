//go:build unix

package readme_test

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// workflow returns what a workflow of continuous integration runs, in the order in
// which it stands: the steps named "run", wherever they are.
func workflow(b block) ([]step, error) {
	var file yaml.Node
	if err := yaml.Unmarshal([]byte(b.text), &file); err != nil {
		return nil, fmt.Errorf("the yaml block in line %d: %w", b.line, err)
	}
	return runs(&file, b.line), nil
}

func runs(node *yaml.Node, line int) []step {
	var steps []step
	for i, child := range node.Content {
		isValue := node.Kind == yaml.MappingNode && i%2 == 1
		if isValue && node.Content[i-1].Value == "run" {
			steps = append(steps, step{line: line + child.Line, command: "set -e\n" + child.Value})
		}
		steps = append(steps, runs(child, line)...)
	}
	return steps
}
