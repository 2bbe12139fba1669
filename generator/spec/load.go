package spec

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"strake/generator/diag"
)

// allEnvironments is the key of tenants[].environments that means everywhere.
const allEnvironments = "$all"

// Platform is a spec that was read and resolved.
type Platform struct {
	// Name of the platform, and Path of its file.
	Name, Path string
	// Pin is strake.version: the minor version that may render.
	Pin        string
	Repository Repository
	// Environments are the concrete ones, in the order of the file.
	Environments []*Effective
	Removals     []Removal
	removalsAt   []diag.Range
	// Files are all files that were read, sorted.
	Files []string
}

// RemovalAt is the place of the i-th removal.
func (p *Platform) RemovalAt(i int) diag.Range {
	if i < 0 || i >= len(p.removalsAt) {
		return diag.Range{Path: p.Path}
	}
	return p.removalsAt[i]
}

// Allows reports whether a tool of that version may render the platform. A
// version without numbers is a build from source, and may.
func (p *Platform) Allows(toolVersion string) bool { return pinAllows(p.Pin, toolVersion) }

func pinAllows(pin, toolVersion string) bool {
	want, have := strings.Split(pin, "."), strings.Split(strings.TrimPrefix(toolVersion, "v"), ".")
	if len(want) != 3 || len(have) < 2 || have[0] == "" || strings.Trim(have[0], "0123456789") != "" {
		return true
	}
	if want[2] != "x" {
		patch := ""
		if len(have) > 2 {
			patch, _, _ = strings.Cut(strings.Join(have[2:], "."), "-")
		}
		if want[2] != patch {
			return false
		}
	}
	return want[0] == have[0] && want[1] == have[1]
}

// source is one document of the spec, or one inline tenant: then spec is the
// item of the list.
type source struct {
	name, spec *node
	at         diag.Range // where it says its name
}

// loader is the state of one Load.
type loader struct {
	fsys        fs.FS
	path        string
	toolVersion string
	found       diag.List
	files       []string

	platform *source
	tenants  []source
	tenantAt map[string]int // by name
	releases map[string]source
	facts    map[string]source
	// used holds the images of releases that something refers to, as
	// "stage\x00key".
	used map[string]bool
	// contents are template files by path; nil for one that has a finding.
	contents map[string]*string

	// examined are the environments, in the order of the file.
	examined []*examiner

	settings, effective, tenant *shape
}

// Load reads the spec whose Platform stands in a file, with all that it includes,
// and resolves every environment. The Platform is nil when the file holds none;
// otherwise it is as complete as the findings allow, which are sorted and
// folded over environments.
func Load(fsys fs.FS, file, toolVersion string) (*Platform, diag.List) {
	l := &loader{
		fsys: fsys, path: path.Clean(file), toolVersion: cmp.Or(toolVersion, "devel"),
		tenantAt: map[string]int{}, releases: map[string]source{}, facts: map[string]source{}, used: map[string]bool{}, contents: map[string]*string{},
		settings:  shapeOf(reflect.TypeFor[Settings]()),
		effective: shapeOf(reflect.TypeFor[Effective]()),
		tenant:    shapeOf(reflect.TypeFor[Tenant]()),
	}
	l.file(l.path, true)
	if l.platform == nil {
		if len(l.found) == 0 {
			l.report(ruleRead, diag.Range{Path: l.path}, "file holds no Platform", "Write a document with kind: Platform.")
		}
		return nil, l.found.Sorted()
	}
	l.include()
	l.inlineTenants()
	return l.resolve(), l.found.Sorted()
}

func (l *loader) report(rule string, at diag.Range, summary, detail string) {
	l.found = append(l.found, diag.Diagnostic{Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail, Range: at})
}

// file reads the documents of one file. Only the first file has the Platform.
func (l *loader) file(path string, first bool) {
	data, found := readFile(l.fsys, path)
	l.found = append(l.found, found...)
	if len(found) > 0 {
		return
	}
	l.files = append(l.files, path)
	documents, found := parse(path, data)
	l.found = append(l.found, found...)
	for _, d := range documents {
		l.document(d, first)
	}
}

// document checks one document and files it under its kind.
func (l *loader) document(n *node, first bool) {
	kinds := map[string]reflect.Type{
		"Platform": reflect.TypeFor[platformDocument](),
		"Tenant":   reflect.TypeFor[tenantDocument](),
		"Release":  reflect.TypeFor[releaseDocument](),
		"Facts":    reflect.TypeFor[factsDocument](),
	}
	names := []string{"Platform", "Tenant", "Release", "Facts"}
	if n.kind != mapKind {
		if n.kind != brokenKind {
			l.report(ruleType, n.at, "document is "+n.kind.String(), "Write a map with apiVersion, kind, metadata and spec.")
		}
		return
	}
	kind := n.get("kind")
	typ, known := kinds[kind.string()]
	switch {
	case kind == nil:
		l.report(ruleRequired, n.at, "kind is missing", "Write "+diag.OneOf(names)+".")
		return
	case kind.string() == kindEffective:
		l.report(ruleInclude, kind.at, "kind Effective is not part of a spec", "Strake writes it. Narrow the include.")
		return
	case !known:
		detail := "Accepted: " + diag.OneOf(names) + "."
		if guess := diag.DidYouMean(kind.string(), names); guess != "" {
			detail = "Did you mean " + guess + "? " + detail
		}
		l.report(ruleValue, kind.at, fmt.Sprintf("kind is %q", shorten(kind.text)), detail)
		return
	case kind.text == "Platform" && (!first || l.platform != nil):
		l.report(ruleDuplicate, kind.at, "a second Platform", "A spec has one Platform; the files it includes hold Tenant, Release and Facts.")
		return
	}
	c := &checker{mode: rawMode}
	out := c.value(n, shapeOf(typ), tag{}, "", false)
	l.found = append(l.found, c.found...)
	s := source{name: out.dig("metadata", "name"), spec: out.get("spec"), at: kind.at}
	if s.name.string() != "" {
		s.at = s.name.at
	}
	l.keep(kind.text, s)
}

// keep files a document under its kind and name.
func (l *loader) keep(kind string, s source) {
	twice := func(earlier source) {
		l.found = append(l.found, diag.Diagnostic{
			Rule: ruleDuplicate, Severity: diag.Error, Range: s.at,
			Summary: fmt.Sprintf("%s %s is declared twice", kind, s.name.string()), Detail: "Merge the two documents into one.",
			Related: []diag.Related{{Range: earlier.at, Message: "first declared here"}},
		})
	}
	name := s.name.string()
	switch kind {
	case "Platform":
		l.platform = &s
		return
	case "Tenant":
		if name == "" || !s.spec.isMap() {
			return
		}
		if at, seen := l.tenantAt[name]; seen {
			twice(l.tenants[at])
			return
		}
		l.tenantAt[name] = len(l.tenants)
		l.tenants = append(l.tenants, s)
		return
	}
	into := l.releases
	if kind == "Facts" {
		into = l.facts
	}
	if earlier, seen := into[name]; seen {
		twice(earlier)
	} else if name != "" {
		into[name] = s
	}
}

// include reads the files that the Platform names, sorted, each once.
func (l *loader) include() {
	list := l.platform.spec.get("include")
	if !list.isList() {
		return
	}
	var files []string
	for _, it := range list.items {
		if it.kind != textKind {
			continue
		}
		files = append(files, l.matches(it)...)
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		if file != l.path {
			l.file(file, false)
		}
	}
}

// matches are the files of one glob.
func (l *loader) matches(it *node) []string {
	pattern := path.Join(path.Dir(l.path), it.text)
	wild := strings.ContainsAny(it.text, `*?[\`)
	switch {
	case path.IsAbs(it.text), pattern == "..", strings.HasPrefix(pattern, "../"):
		l.report(ruleInclude, it.at, fmt.Sprintf("include %q leaves the repository", shorten(it.text)), "Write a path relative to "+path.Dir(l.path)+", with slashes.")
		return nil
	case strings.Contains(it.text, "**"):
		l.report(ruleInclude, it.at, fmt.Sprintf("include %q uses **, which is not supported", shorten(it.text)), "Write one entry per directory: a/*.yaml, a/b/*.yaml.")
		return nil
	}
	files, err := fs.Glob(l.fsys, pattern)
	switch {
	case err != nil || strings.Contains(it.text, `\`):
		l.report(ruleInclude, it.at, fmt.Sprintf("include %q is not a glob", shorten(it.text)), "Use *, ? and [a-z].")
		return nil
	case len(files) == 0 && !wild:
		l.report(ruleInclude, it.at, fmt.Sprintf("included file %s does not exist", pattern), "Paths are relative to "+path.Dir(l.path)+".")
	}
	return files
}

// inlineTenants adds the tenants of the Platform's own file.
func (l *loader) inlineTenants() {
	list := l.platform.spec.get("tenants")
	if !list.isList() {
		return
	}
	for _, it := range list.items {
		if name := it.get("name"); name.string() != "" {
			l.keep("Tenant", source{name: name, spec: it, at: name.at})
		}
	}
}
