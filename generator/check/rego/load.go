package rego

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"strake/generator/diag"
)

// maxModule bounds one file of policies. The largest of the public policy
// libraries is a hundredth of it.
const maxModule = 1 << 20

// load parses every .rego file of the sources, or every one that is not a test.
func load(sources []Source, tests bool) (map[string]*ast.Module, diag.List, error) {
	modules := map[string]*ast.Module{}
	var findings diag.List
	for _, s := range sources {
		err := fs.WalkDir(s.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !strings.HasSuffix(name, ".rego") || !tests && strings.HasSuffix(name, "_test.rego") {
				return nil
			}
			file := path.Join(s.Dir, name)
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.Size() > maxModule {
				findings = append(findings, compileFinding(diag.Range{Path: file},
					fmt.Sprintf("the module is %d bytes long, more than the %d that are read", info.Size(), maxModule)))
				return nil
			}
			data, err := fs.ReadFile(s.FS, name)
			if err != nil {
				return err
			}
			module, bad := parse(file, string(data))
			findings = append(findings, bad...)
			if module != nil {
				modules[file] = module
			}
			return nil
		})
		if err != nil {
			return nil, findings, fmt.Errorf("read policies in %s: %w", s.Dir, err)
		}
	}
	return modules, findings, nil
}

// parse reads a module as Rego v1, and as v0 when it is written so: most
// policies for conftest still are.
func parse(file, text string) (*ast.Module, diag.List) {
	options := ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1, Capabilities: capabilities()}
	module, err := ast.ParseModuleWithOpts(file, text, options)
	if err == nil && module != nil {
		return module, nil
	}
	if err == nil { // comments only
		return nil, diag.List{compileFinding(diag.Range{Path: file}, "the module is empty")}
	}
	options.RegoVersion = ast.RegoV0
	module, errV0 := ast.ParseModuleWithOpts(file, text, options)
	if errV0 == nil && module != nil {
		return module, nil
	}
	if errV0 != nil && writtenAsV0(err) {
		err = errV0
	}
	return nil, compileFindings(file, err)
}

// writtenAsV0 tells whether v1 objects only to what v0 did without, so that
// v0's own errors are the ones to show.
func writtenAsV0(err error) bool {
	var list ast.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		return false
	}
	return !slices.ContainsFunc(list, func(e *ast.Error) bool {
		return !strings.Contains(e.Message, "keyword is required") && !strings.Contains(e.Message, "keyword must be used")
	})
}

// compile compiles the modules, leaving out those that do not compile until the
// rest does. Each module left out has a finding.
func compile(modules map[string]*ast.Module) (*ast.Compiler, diag.List) {
	var findings diag.List
	rest := maps.Clone(modules)
	for first := true; ; first = false {
		compiler := ast.NewCompiler().WithCapabilities(capabilities()).SetErrorLimit(0)
		// The compiler rewrites modules in place: it gets copies.
		copies := make(map[string]*ast.Module, len(rest))
		for name, m := range rest {
			copies[name] = m.Copy()
		}
		compiler.Compile(copies)
		if !compiler.Failed() {
			return compiler, findings
		}
		bad := map[string]bool{}
		for _, e := range compiler.Errors {
			file := ""
			if e.Location != nil {
				file = e.Location.File
			}
			// After the first round the errors follow from what was left out:
			// one for each module says enough.
			if first || !bad[file] {
				findings = append(findings, compileFindings(file, e)...)
			}
			if _, known := rest[file]; known {
				bad[file] = true
			}
		}
		if len(bad) == 0 { // no error names a module: nothing can be saved
			return ast.NewCompiler(), findings
		}
		for file := range bad {
			delete(rest, file)
		}
	}
}

// capabilities are OPA's own without whatever reaches outside or answers
// differently each time: http.send, net.lookup_ip_addr, opa.runtime, rand.intn,
// time.now_ns, uuid.rfc4122 and whatever a later version marks so.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return b.IsNondeterministic() })
	c.AllowNet = []string{} // no fetching of remote JSON schemas
	return c
}

// compileFindings turns the errors of OPA's parser and compiler into findings.
func compileFindings(file string, err error) diag.List {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = ast.Errors{one}
	default:
		return diag.List{compileFinding(diag.Range{Path: file}, err.Error())}
	}
	var findings diag.List
	for _, e := range list {
		findings = append(findings, compileFinding(rangeOf(file, e.Location), e.Message))
	}
	return findings
}

// compileFinding says that a module is left out, and why.
func compileFinding(at diag.Range, message string) diag.Diagnostic {
	detail := "None of the module's rules is evaluated until it compiles."
	if name, found := strings.CutPrefix(message, "undefined function "); found && isOff(name) {
		detail = name + " is off: a check gives the same answer everywhere, every time. The day is in input.today. " + detail
	}
	return diag.Diagnostic{
		Rule: ruleCompile, Severity: diag.Error, Range: at,
		Summary: "policy does not compile: " + oneLine(message), Detail: detail,
	}
}

// isOff tells whether OPA has the built-in and this package does not allow it.
func isOff(name string) bool {
	return slices.ContainsFunc(ast.CapabilitiesForThisVersion().Builtins, func(b *ast.Builtin) bool {
		return b.Name == name && b.IsNondeterministic()
	})
}

// rangeOf is the place of an OPA location. OPA counts columns in bytes, which
// is the same for the characters that Rego is written in.
func rangeOf(file string, l *ast.Location) diag.Range {
	if l == nil {
		return diag.Range{Path: file}
	}
	if l.File != "" {
		file = l.File
	}
	return diag.Range{Path: file, Start: diag.Pos{Line: l.Row, Column: l.Col}}
}

// oneLine keeps a message in one line of a report.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
