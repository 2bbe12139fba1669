package generator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "strake/"

// packages lists every package with what it may import from this module; "*"
// is anything. A package that is not listed is an error: adding one is a
// decision, and the decision is made here.
var packages = map[string][]string{
	"cmd/strake":                {"generator/cli"},
	"docs":                      {},
	"policies":                  {},
	"generator/diag":            {},
	"generator/tree":            {"generator/diag"},
	"generator/repo":            {"generator/diag", "generator/tree"},
	"generator/manifest":        {"generator/diag"},
	"generator/spec":            {"generator/diag"},
	"generator/render":          {"generator/diag", "generator/spec", "generator/terraform", "generator/tree"},
	"generator/build":           {"generator/diag", "generator/manifest", "generator/tree"},
	"generator/terraform":       {"generator/diag"},
	"generator/check":           {"generator/diag", "generator/manifest", "generator/terraform"},
	"generator/check/kube":      {"generator/check", "generator/diag", "generator/manifest"},
	"generator/check/argo":      {"generator/check", "generator/diag", "generator/manifest"},
	"generator/check/appset":    {},
	"generator/check/argocd":    {"generator/check", "generator/check/appset", "generator/diag", "generator/manifest"},
	"generator/check/contracts": {"generator/check", "generator/diag", "generator/manifest", "generator/terraform"},
	"generator/check/rego":      {"generator/check", "generator/diag", "generator/manifest", "policies"},
	"generator/cost":            {"generator/spec"},
	"generator/report":          {"generator/cost", "generator/diag", "generator/manifest", "generator/tree"},
	"generator/fetch":           {},
	"generator/vendored":        {"generator/diag", "generator/manifest", "generator/tree"},
	"generator/exception":       {"generator/diag"},
	"generator/propose":         {"generator/diag", "generator/tree"},
	"generator/cli":             {"*"},
}

// owners names the only packages that may import something heavy or something
// that reaches outside.
var owners = map[string][]string{
	"net":                                 {"generator/propose"},
	"net/http":                            {"generator/fetch", "generator/propose"},
	"os/exec":                             {},
	"math/rand":                           {},
	"unsafe":                              {},
	"github.com/spf13/":                   {"generator/cli"},
	"golang.org/x/term":                   {"generator/cli"},
	"github.com/google/go-github/":        {"generator/propose"},
	"github.com/go-git/":                  {"generator/repo"}, // go-billy, its file system, too
	"github.com/hashicorp/hcl/":           {"generator/terraform"},
	"github.com/zclconf/":                 {"generator/terraform"}, // the values of hcl
	"sigs.k8s.io/kustomize/api/":          {"generator/build"},
	"k8s.io/kubernetes/":                  {"generator/check/kube"},
	"k8s.io/apiserver/":                   {"generator/check/kube"},
	"github.com/argoproj/argo-workflows/": {"generator/check/argo"},
	"github.com/argoproj/argo-cd/":        {"generator/check/argocd"},
	"github.com/open-policy-agent":        {"generator/check/rego"},
	"os":                                  {"cmd/strake", "generator/cli", "generator/repo", "generator/tree"}, // repo reads .git
	"os/signal":                           {"generator/cli"},
	"syscall":                             {"generator/tree"},
	"golang.org/x/sys/":                   {"generator/tree"},
}

// sources yields every file of the product that is not a test.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	root := os.DirFS("..")
	files := make(map[string]*ast.File)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".ci", "e2e", "bin", "testdata", "internal"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
		if err != nil {
			return err
		}
		files[name] = file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d source files found: the walk is wrong", len(files))
	}
	return files
}

// TestWalls reads the sources itself: a test that runs "go list" is answered
// from the test cache, which does not know that another package changed.
func TestWalls(t *testing.T) {
	t.Parallel()
	for name, file := range sources(t) {
		pkg := path.Dir(name)
		allowed, listed := packages[pkg]
		if !listed {
			t.Errorf("%s: package %s is not in the table of packages", name, pkg)
		}
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if in, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(allowed, in) && !slices.Contains(allowed, "*") {
				t.Errorf("%s: %s may not import %s", name, pkg, in)
			}
			if strings.HasPrefix(imp, module+"e2e/") {
				t.Errorf("%s: %s is for tests", name, imp)
			}
			for dep, who := range owners {
				if owns(dep, imp) && !slices.Contains(who, pkg) {
					t.Errorf("%s: %s may be imported only by %v", name, imp, who)
				}
			}
		}
	}
}

// owns reports whether an import falls under a row of owners: standard packages
// by their exact name, modules by prefix.
func owns(row, imp string) bool {
	if strings.Contains(row, ".") {
		return strings.HasPrefix(imp, row)
	}
	return imp == row
}

// TestNoHiddenState keeps the house free of init functions and of variables
// that a run could change.
func TestNoHiddenState(t *testing.T) {
	t.Parallel()
	exits := 0
	for name, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch node := n.(type) {
			case *ast.FuncDecl:
				if node.Recv == nil && node.Name.Name == "init" {
					t.Errorf("%s: init function", name)
				}
			case *ast.SelectorExpr:
				if x, ok := node.X.(*ast.Ident); ok && x.Name == "os" && node.Sel.Name == "Exit" {
					exits++
				}
			}
			return true
		})
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				value := s.(*ast.ValueSpec)
				if !constantLike(value) && gen.Doc == nil && value.Doc == nil && value.Comment == nil {
					t.Errorf("%s: package variable %s is no sentinel, pattern or embedded file", name, value.Names[0].Name)
				}
			}
		}
	}
	if exits != 1 {
		t.Errorf("os.Exit is called in %d places, want 1", exits)
	}
}

// constantLike accepts what is a variable only because Go has no constant of
// its kind: error sentinels, compiled patterns, interface assertions.
func constantLike(value *ast.ValueSpec) bool {
	for _, v := range value.Values {
		switch call := v.(type) {
		case *ast.CallExpr:
			switch fun := call.Fun.(type) {
			case *ast.SelectorExpr:
				if x, ok := fun.X.(*ast.Ident); ok && (x.Name == "errors" || x.Name == "regexp") {
					continue
				}
			case *ast.ParenExpr:
				continue
			}
		case *ast.CompositeLit:
			if value.Names[0].Name == "_" {
				continue
			}
		}
		return value.Names[0].Name == "_"
	}
	return len(value.Values) > 0
}
