// Package agreement asks Strake, a real API server and Argo's own lint for their
// verdicts on the same objects, and compares them.
//
// It must never decide what is right: where Strake and the others differ, the
// others are right, and what is excepted from that stands in a list with its
// reason.
package agreement

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// file is one file of cases: an object that is right, and what is done to it.
type file struct {
	Base map[string]any `yaml:"base"`
	// Beside are further objects of the same repository and cluster.
	Beside []map[string]any `yaml:"beside"`
	// Cases are objects that are created.
	Cases []Mutation `yaml:"cases"`
	// Updates begin with an object that stands in the cluster.
	Updates []Mutation `yaml:"updates"`
}

// Mutation is one case as it is written. Places are JSON pointers, and "-" after
// a list's appends to it.
type Mutation struct {
	Name string `yaml:"name"`
	// Accepted marks a control: an object that the others take, however odd.
	Accepted bool `yaml:"accepted"`
	// Note explains what a reader of the table would wonder at.
	Note string `yaml:"note"`
	// Before is set on the object that stands in the cluster.
	Before map[string]any    `yaml:"before"`
	Move   map[string]string `yaml:"move"`
	Drop   []string          `yaml:"drop"`
	Set    map[string]any    `yaml:"set"`
	// Text replaces the whole object, for what YAML itself can do wrong.
	Text string `yaml:"text"`
}

// Case is a mutation with its objects, as YAML.
type Case struct {
	Mutation
	// ID names the case in the table and in the list of exclusions.
	ID string
	// Dir is the case's kustomization in the repository that Strake checks.
	Dir string
	// Before stands in the cluster; nil for an object that is created.
	Before, After []byte
	Beside        [][]byte
}

// Read reads all files of cases in a directory, those of objects that are
// created and those of updates apart.
func Read(dir string) (creates, updates []Case, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		return nil, nil, fmt.Errorf("there are no cases in %s: %w", dir, err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		f, err := readFile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		topic := strings.TrimSuffix(filepath.Base(name), ".yaml")
		for i, m := range append(f.Cases, f.Updates...) {
			c, err := f.build(m, i >= len(f.Cases))
			c.Dir = fmt.Sprintf("%s-%03d", topic, i+1)
			c.ID = topic + ": " + m.Name
			if c.Before != nil {
				c.ID = topic + ": update of " + m.Name
			}
			if err == nil && seen[c.ID] {
				err = errors.New("the name stands there twice")
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %s: %w", name, m.Name, err)
			}
			seen[c.ID] = true
			if c.Before != nil {
				updates = append(updates, c)
			} else {
				creates = append(creates, c)
			}
		}
	}
	return creates, updates, nil
}

func readFile(name string) (file, error) {
	var f file
	data, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	err = decoder.Decode(&f)
	return f, err
}

// build applies a mutation. One that changes nothing is a mistake of its author,
// but for the object as it is, and that is a control.
func (f file) build(m Mutation, update bool) (c Case, err error) {
	c.Mutation = m
	for _, object := range f.Beside {
		data, err := marshal(object)
		if err != nil {
			return c, err
		}
		c.Beside = append(c.Beside, data)
	}
	if update {
		before, err := apply(f.Base, Mutation{Set: m.Before})
		if err != nil {
			return c, err
		}
		if c.Before, err = marshal(before); err != nil {
			return c, err
		}
	}
	if m.Text != "" {
		c.After = []byte(m.Text)
		return c, nil
	}
	if same := len(m.Set)+len(m.Move)+len(m.Drop) == 0; same != (m.Name == "as it is") && !update {
		return c, errors.New("it changes nothing")
	}
	after, err := apply(f.Base, m)
	if err != nil {
		return c, err
	}
	c.After, err = marshal(after)
	return c, err
}

func marshal(object map[string]any) ([]byte, error) {
	text, err := yaml.Marshal(object)
	return []byte(text), err
}
