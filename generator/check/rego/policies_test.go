package rego

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"

	"strake/policies"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

const policiesDir = "../../../policies"

// product compiles the policies of the product once for all tests.
var product = sync.OnceValues(func() (*Engine, error) {
	engine, findings, err := Open(context.Background(), Options{Sources: []Source{{FS: policies.FS, Dir: "policies"}}})
	for _, f := range findings {
		err = errors.Join(err, fmt.Errorf("%s: %s", f.Range, f.Summary))
	}
	return engine, err
})

func ours(t testing.TB) *Engine {
	t.Helper()
	engine, err := product()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// policyModules parses every file of policies/, tests included.
func policyModules(t *testing.T) map[string]*ast.Module {
	t.Helper()
	modules := map[string]*ast.Module{}
	for name, data := range policyFiles(t) {
		m, err := ast.ParseModuleWithOpts(name, string(data), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = m
	}
	return modules
}

func policyFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	dir := os.DirFS(policiesDir)
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		files[name], err = fs.ReadFile(dir, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRego runs the policies' own tests.
func TestRego(t *testing.T) {
	t.Parallel()
	compiler := ast.NewCompiler().WithStrict(true).WithEnablePrintStatements(true)
	channel, err := tester.NewRunner().SetCompiler(compiler).RaiseBuiltinErrors(true).CapturePrintOutput(true).SetTimeout(time.Minute).
		SetModules(policyModules(t)).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for r := range channel {
		ran[r.Package]++
		switch {
		case r.Error != nil:
			t.Errorf("%s: %s: %v", r.Location, r.Name, r.Error)
		case r.Fail:
			t.Errorf("%s: %s failed: %v %s", r.Location, r.Name, r.FailedAt, r.Output)
		case r.Skip:
			t.Errorf("%s: %s is skipped", r.Location, r.Name)
		}
	}
	for _, rule := range ours(t).Rules() {
		pkg := "data.strake.rules." + strings.ReplaceAll(rule.Slug, "-", "_") + "_test"
		if ran[pkg] < 3 {
			t.Errorf("rule %s has %d tests in %s, fewer than 3", rule.Slug, ran[pkg], pkg)
		}
	}
}

// TestMetadata holds every rule to the shape that the documentation relies on.
func TestMetadata(t *testing.T) {
	t.Parallel()
	modules := policyModules(t)
	rules := ours(t).Rules()
	if len(rules) == 0 {
		t.Fatal("no rules")
	}
	for _, r := range rules {
		file := r.Slug + ".rego"
		if _, found := modules[file]; !found {
			t.Errorf("rule %s is not in %s", r.Slug, file)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || r.Description == "" {
			t.Errorf("rule %s: title %q without a full stop, and a description", r.Slug, r.Title)
		}
		if r.Range.Path != path.Join("policies", file) {
			t.Errorf("rule %s says it is in %s", r.Slug, r.Range.Path)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for name, data := range policyFiles(t) {
		want, err := format.Source(name, data)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(want, data) {
			continue
		}
		if *update {
			if err := os.WriteFile(filepath.Join(policiesDir, filepath.FromSlash(name)), want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s is not formatted; run the test with -update\n%s", name, cmp.Diff(string(want), string(data)))
	}
}
