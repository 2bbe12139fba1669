// Package terraform turns Terraform configuration into facts with positions,
// without Terraform, providers or credentials: what the files say, evaluated as
// far as they alone decide it. What they do not decide is unknown, with the
// reason.
//
// It must never guess a value, never leave the repository, use a network, run a
// command or read the clock, and never take more than bounded time and memory,
// whatever the files hold.
package terraform

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"strake/generator/diag"
)

// Options are what is said on Terraform's command line. The zero value is
// 'terraform plan' without flags.
type Options struct {
	// VarFiles are read after those that Terraform finds by itself, as with
	// -var-file. Their paths are relative to the repository.
	VarFiles []string
	// Workspace is what terraform.workspace is; "" makes it unknown.
	Workspace string
	// State returns the outputs of another root, for a terraform_remote_state:
	// its backend's type and its config. ok is false where no root keeps its
	// state there.
	State func(backend string, config Value) (outputs map[string]Value, ok bool)
}

const (
	// maxFile is the largest file that is parsed.
	maxFile = 4 << 20
	// maxValue is about the longest text, in bytes, that one value may hold.
	maxValue = 1 << 18
	// maxSteps bounds the expressions that are evaluated for one root, and
	// maxNodes the parts of values that are kept.
	maxSteps = 1_000_000
	maxNodes = 2_000_000
	// maxPieces is the longest text that is kept of a string that is unknown in
	// places.
	maxPieces = 4096
	// maxInstances bounds what one for_each or count makes, and maxResources
	// what all of them make.
	maxInstances = 1024
	maxResources = 20_000
	// maxDepth bounds modules in modules and references through references.
	maxModules = 24
	maxDepth   = 256
)

// Read reads the root in a directory of a repository. It returns what it could
// read, and a finding for all that it could not.
func Read(fsys fs.FS, dir string, opts Options) (*Root, diag.List) {
	r := &reader{
		fsys: fsys, dir: path.Clean(dir), opts: opts,
		sources: map[string]*source{}, configs: map[string]*config{}, said: map[string]bool{}, behind: map[string][]string{},
		steps: maxSteps, nodes: maxNodes, resources: maxResources, functions: functions(),
	}
	return r.root(), r.findings.Sorted()
}

// reader reads one root.
type reader struct {
	fsys      fs.FS
	dir       string
	opts      Options
	sources   map[string]*source
	configs   map[string]*config
	said      map[string]bool     // findings that are given once
	behind    map[string][]string // resources behind a reference
	findings  diag.List
	functions functionTable
	reads     []StateRead

	steps, nodes, resources int // what is left
	depth                   int
	coverage                Coverage
}

// source is a file that was read.
type source struct {
	path string
	data []byte
}

// read reads a file of the repository once.
func (r *reader) read(name string) (*source, bool) {
	if src, ok := r.sources[name]; ok {
		return src, src != nil
	}
	src, err := readFile(r.fsys, name)
	if err != nil {
		r.coverage.Unread++
		r.find(diag.Diagnostic{
			Rule: "terraform-unread", Severity: diag.Error, Range: diag.Range{Path: name},
			Summary: err.Error(), Detail: "Nothing in this file was checked.",
		})
		r.sources[name] = nil
		return nil, false
	}
	r.sources[name] = src
	r.coverage.Files++
	return src, true
}

func readFile(fsys fs.FS, name string) (*source, error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("the file leads nowhere")
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, errors.New("the file cannot be read")
	}
	return &source{path: name, data: []byte(strings.TrimPrefix(string(data), "\ufeff"))}, nil
}

// find adds a finding.
func (r *reader) find(d diag.Diagnostic) {
	key := d.Rule + "\x00" + d.Range.String() + "\x00" + d.Summary
	if !r.said[key] {
		r.said[key] = true
		r.findings = append(r.findings, d)
	}
}

// at turns a place of HCL, which counts bytes, into one of ours, which counts
// runes.
func (r *reader) at(rng hcl.Range) diag.Range {
	out := diag.Range{Path: rng.Filename}
	src := r.sources[rng.Filename]
	if src == nil || rng.Start.Line == 0 {
		return out
	}
	out.Start = src.pos(rng.Start)
	out.End = src.pos(rng.End)
	if out.End.Line < out.Start.Line || out.End == out.Start {
		out.End = diag.Pos{}
	}
	return out
}

func (s *source) pos(p hcl.Pos) diag.Pos {
	at := min(max(p.Byte, 0), len(s.data))
	start := strings.LastIndexByte(string(s.data[max(0, at-4096):at]), '\n')
	if start < 0 {
		if at > 4096 {
			return diag.Pos{Line: p.Line, Column: p.Column}
		}
		start = -1
	} else {
		start += max(0, at-4096)
	}
	return diag.Pos{Line: p.Line, Column: len([]rune(string(s.data[start+1:at]))) + 1}
}

// parse reads a file in HCL's native syntax.
func (r *reader) parse(src *source) *hclsyntax.Body {
	if at, reason := tooDeep(src); reason != "" {
		r.coverage.Unread++
		r.find(diag.Diagnostic{
			Rule: "terraform-limit", Severity: diag.Error, Range: r.at(at), Summary: reason,
			Detail: "Nothing in this file was checked. Move parts of the expression into locals.",
		})
		return &hclsyntax.Body{}
	}
	file, found := hclsyntax.ParseConfig(src.data, src.path, hcl.InitialPos)
	r.syntax(src, found)
	if file == nil {
		return &hclsyntax.Body{}
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return &hclsyntax.Body{}
	}
	return body
}

// syntax reports what HCL's parser says.
func (r *reader) syntax(src *source, found hcl.Diagnostics) {
	const most = 20 // of one file: what follows is mostly the echo of the first
	for i, d := range found {
		if i == most {
			break
		}
		severity := diag.Error
		if d.Severity == hcl.DiagWarning {
			severity = diag.Warning
		}
		at := diag.Range{Path: src.path}
		if d.Subject != nil {
			at = r.at(*d.Subject)
		}
		r.find(diag.Diagnostic{
			Rule: "terraform-syntax", Severity: severity, Range: at,
			Summary: fact(d.Summary), Detail: d.Detail, Sensitive: src.secretive(at.Start.Line),
		})
	}
}

// fact writes a message of HCL as ours are: lower case, no full stop.
func fact(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ".")
	if s == "" {
		return "it is not HCL"
	}
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// secretive reports whether a line may hold a secret, by the name of what it
// sets.
func (s *source) secretive(line int) bool {
	lines := strings.Split(string(s.data), "\n")
	if line < 1 || line > len(lines) {
		return false
	}
	return containsAny(lines[line-1], "passw", "secret", "token", "key", "credential")
}

// secretName reports whether what has this name is a secret, and not the name,
// the identifier or the version of one.
func secretName(name string) bool {
	for _, suffix := range []string{"_id", "_ids", "_name", "_version", "_ref"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return name == "token" || containsAny(name, "passw", "_token", "api_key", "apikey", "private_key", "credential",
		"client_secret", "secret_data", "secret_key", "access_key", "shared_secret")
}

func containsAny(text string, words ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
