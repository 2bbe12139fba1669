//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// row is a line of the table of what was proven.
type row struct {
	component, proven string
	seconds           float64
}

// proves registers what a test proves. The row enters the table when the test
// has passed.
func proves(t *testing.T, component, what string) {
	t.Helper()
	began := time.Now()
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		shared.mu.Lock()
		defer shared.mu.Unlock()
		shared.rows = append(shared.rows, row{component: component, proven: what, seconds: time.Since(began).Seconds()})
	})
}

// versions are read from the programs that ran, by the name a row gives them.
// What has no program is named with where it comes from.
var versions = map[string][]string{
	"etcd":           {"etcd", "--version"},
	"kube-apiserver": {"kube-apiserver", "--version"},
	"kwok":           {"kwok", "--version"},
	"redis":          {"redis-server", "--version"},
	"PostgreSQL":     {"postgres", "--version"},
	"Argo CD":        {"argocd", "version", "--client", "--short"},
	"Argo Workflows": {"workflow-controller", "version", "--short"},
	"argo lint":      {"workflow-controller", "version", "--short"}, // the same module
	"strake":         {"strake", "--version"},
	"GitHub":         nil, // e2e/github
}

// report prints what was proven. After a run of all tests the table in the
// documentation must say the same, seconds aside; UPDATE=1 writes it.
func report(path string, passed bool) error {
	slices.SortFunc(shared.rows, func(a, b row) int {
		return strings.Compare(a.component+a.proven, b.component+b.proven)
	})
	var table strings.Builder
	table.WriteString("| component | version | what was proven | seconds |\n|---|---|---|---:|\n")
	for _, r := range shared.rows {
		version, err := versionOf(r.component)
		if err != nil {
			return err
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %.0f |\n", r.component, version, r.proven, r.seconds)
	}
	fmt.Printf("\n%s\n%.0f s in all\n", table.String(), time.Since(shared.began).Seconds())
	if !passed || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return nil // a part of the tests proves a part of the table
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return document(path, string(page), table.String())
}

// document puts the table into the page, or compares.
func document(path, page, table string) error {
	const begin, end = "<!-- table -->\n", "<!-- /table -->\n"
	before, rest, found := strings.Cut(page, begin)
	have, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no table between %q and %q", path, begin, end)
	}
	if shared.update {
		return os.WriteFile(path, []byte(before+begin+table+end+after), 0o644)
	}
	seconds := regexp.MustCompile(`(?m)\| \d+ \|$`)
	if diff := gocmp.Diff(strings.Split(seconds.ReplaceAllString(have, ""), "\n"), strings.Split(seconds.ReplaceAllString(table, ""), "\n")); diff != "" {
		return fmt.Errorf("%s does not list what was proven (-page +run); UPDATE=1 make e2e writes it:\n%s", path, diff)
	}
	return nil
}

// versionOf asks the programs of a row for their versions.
func versionOf(component string) (string, error) {
	var out []string
	for name := range strings.SplitSeq(component, ", ") {
		name, _, _ = strings.Cut(name, " (")
		command, known := versions[name]
		if !known {
			return "", fmt.Errorf("the table does not know the version of %q", name)
		}
		if command == nil {
			out = append(out, "stand-in")
			continue
		}
		program := command[0]
		if program == "strake" {
			program = shared.strake
		}
		text, err := shared.rig.Run(shared.ctx, []string{"ARGOCD_BINARY_NAME=argocd"}, program, command[1:]...)
		if err != nil {
			return "", err
		}
		version := regexp.MustCompile(`\d+\.\d+\.\d+|\d+\.\d+`).FindString(strings.ReplaceAll(text, "v=", ""))
		if version == "" {
			return "", errors.New(name + " does not say its version: " + text)
		}
		out = append(out, version)
	}
	return strings.Join(slices.Compact(out), ", "), nil
}
