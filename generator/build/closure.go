package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// trust says how far the objects that are being read are instructions to
// kustomize.
type trust int

const (
	pluginObject    trust = iota + 1 // a plugin configuration, read as it stands
	pluginDirectory                  // one that is built first, and may be patched
)

// maxVisits is how many kustomizations one build may go through. A kustomization
// that is reached twice counts twice, as it does for kustomize.
const maxVisits = 2000

// visit is one kustomization as one build goes through it. A kustomization that
// is reached along two ways is two visits.
type visit struct {
	*kustomization
	host *visit
	// items are the resources, in order; components likewise.
	items, components []item
	// generators, transformers and validators are plugin configurations that
	// are kustomizations of their own.
	plugins map[string][]item
}

// item is one entry of resources or components, resolved.
type item struct {
	entry
	path  string // resolved, relative to the repository
	visit *visit // nil for a file
}

// closure is all that one build reaches, and what is wrong with it.
type closure struct {
	source   *source
	root     *visit
	visits   int
	global   bool
	findings diag.List
	// judged are the kustomizations whose own findings are already reported.
	judged map[string]bool
	// files says which files were reached, and from where first.
	files map[string]bool
	// read are all files of the build, generators' data included.
	read map[string]bool
	// untrusted is set below generators, transformers and validators, whose
	// objects are instructions to kustomize.
	untrusted trust
}

// walk follows everything that a build of dir would read, and refuses what
// would leave the repository, run a program or inflate a chart.
func (s *source) walk(dir string) *closure {
	c := &closure{source: s, judged: make(map[string]bool), files: make(map[string]bool), read: make(map[string]bool)}
	start := diag.Range{Path: dir}
	clean := path.Clean(dir)
	if !fs.ValidPath(clean) {
		c.add(diag.Diagnostic{Rule: RuleFailed, Severity: diag.Error, Summary: "the directory is not in the repository", Range: start})
		return c
	}
	real, mode, err := s.resolve(clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(diag.Diagnostic{Rule: RuleMissing, Severity: diag.Error, Summary: "there is no directory " + clean, Detail: c.near(clean), Range: start})
	case err != nil:
		c.add(diag.Diagnostic{Rule: RuleFailed, Severity: diag.Error, Summary: plainError(err), Range: start})
	case !mode.IsDir():
		c.add(diag.Diagnostic{Rule: RuleFailed, Severity: diag.Error, Summary: clean + " is a file, not the directory of a kustomization", Range: start})
	default:
		name, bad := s.kustomizationIn(real, start)
		if bad != nil {
			c.add(*bad)
			return c
		}
		c.root = c.enter(name, nil)
		if c.root != nil && c.root.component() {
			c.add(c.root.finding(RuleFailed, field(c.root.root, "kind"), "a Component cannot be built by itself", "Build an overlay that lists it under components."))
		}
	}
	return c
}

func (c *closure) add(d ...diag.Diagnostic) { c.findings = append(c.findings, d...) }

// near suggests a sibling for a path that is not there.
func (c *closure) near(name string) string {
	dir, base := path.Dir(name), path.Base(name)
	for dir != "." {
		if _, mode, err := c.source.resolve(dir); err == nil && mode.IsDir() {
			break
		}
		dir, base = path.Dir(dir), path.Base(dir)
	}
	names := c.source.names(dir)
	if guess := diag.DidYouMean(base, names); guess != "" {
		return fmt.Sprintf("Did you mean %s?", path.Join(dir, guess))
	}
	for _, candidate := range names {
		if strings.TrimSuffix(candidate, path.Ext(candidate)) == strings.TrimSuffix(base, path.Ext(base)) {
			return fmt.Sprintf("Did you mean %s?", path.Join(dir, candidate))
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, ".") })
	if len(names) == 0 || len(names) > 12 {
		return ""
	}
	return fmt.Sprintf("%s holds %s.", strings.TrimPrefix(dir, "./"), strings.ReplaceAll(diag.OneOf(names), " or ", " and "))
}

// kustomizationIn finds the one kustomization file of a directory.
func (s *source) kustomizationIn(dir string, at diag.Range) (string, *diag.Diagnostic) {
	var found []string
	for _, name := range kustomizationNames() {
		real, mode, err := s.resolve(path.Join(dir, name))
		if err != nil || mode.IsDir() {
			continue
		}
		if path.Dir(real) != dir && !strings.HasPrefix(real, dir+"/") {
			return "", &diag.Diagnostic{
				Rule: RuleFailed, Severity: diag.Error, Range: at,
				Summary: fmt.Sprintf("%s is a link to a file outside of its directory", path.Join(dir, name)),
				Detail:  "Kustomize reads no file outside of the kustomization's directory.",
			}
		}
		found = append(found, real)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &diag.Diagnostic{
			Rule: RuleMissing, Severity: diag.Error, Range: at,
			Summary: fmt.Sprintf("the directory %s holds no kustomization", dir),
			Detail:  "Kustomize looks for " + diag.OneOf(kustomizationNames()) + ".",
		}
	default:
		return "", &diag.Diagnostic{
			Rule: RuleFailed, Severity: diag.Error, Range: at,
			Summary: fmt.Sprintf("the directory %s holds more than one kustomization: %s", dir, strings.Join(found, ", ")),
			Detail:  "Keep one of them.",
		}
	}
}

// enter makes the visit of one kustomization file and of all that it reaches.
// It is nil where the file cannot be used; a finding says why.
func (c *closure) enter(name string, host *visit) *visit {
	c.read[name] = true
	k, findings := c.source.kustomization(name)
	if !c.judged[name] {
		c.judged[name] = true
		c.add(findings...)
	}
	if k == nil {
		return nil
	}
	if c.visits++; c.visits > maxVisits {
		if c.visits == maxVisits+1 {
			c.add(k.finding(RuleFailed, nil, fmt.Sprintf("the build goes through more than %d kustomizations", maxVisits), "Bases that name each other many times multiply."))
		}
		return nil
	}
	c.files[name] = true
	c.global = c.global || k.global()
	v := &visit{kustomization: k, host: host, plugins: make(map[string][]item)}
	for _, e := range k.entries("resources", "bases") {
		if it, ok := c.resource(v, e); ok {
			v.items = append(v.items, it)
		}
	}
	for _, e := range k.entries("components") {
		if it, ok := c.directory(v, e, true); ok {
			v.components = append(v.components, it)
		}
	}
	c.supplements(v)
	c.keyValues(v)
	c.plugin(v)
	return v
}

// resource resolves one entry of resources.
func (c *closure) resource(v *visit, e entry) (item, bool) {
	real, mode, ok := c.locate(v, e, "resource")
	if !ok {
		return item{}, false
	}
	if mode.IsDir() {
		return c.directoryAt(v, e, real, false)
	}
	if !c.inside(v, e, real) {
		return item{}, false
	}
	c.read[real] = true
	c.objects(v, e, real)
	return item{entry: e, path: real}, true
}

// objects reads the documents of a resource file and judges what kustomize
// would refuse.
func (c *closure) objects(v *visit, e entry, real string) {
	if c.untrusted != 0 {
		c.pluginFile(real)
	}
	if c.files[real] {
		return
	}
	c.files[real] = true
	docs, findings := c.source.documents(real)
	c.add(findings...)
	if isKustomizationName(path.Base(real)) {
		c.add(v.finding(RuleFailed, e.node, "a kustomization is listed by its directory, not by its file", "Write "+path.Dir(e.value)+"."))
		return
	}
	for _, doc := range docs {
		if _, isList := manifest.ListItems(doc.Node); isList {
			continue
		}
		if summary, detail := notObject(doc.Node); summary != "" {
			c.add(diag.Diagnostic{Rule: manifest.RuleObject, Severity: diag.Error, Summary: summary, Detail: detail, Range: doc.Range})
		}
	}
}

// notObject says why kustomize would not take a document for an object.
func notObject(n *yaml.Node) (summary, detail string) {
	if n.Kind != yaml.MappingNode {
		return "this is not a Kubernetes object", "An object is a map with apiVersion, kind and metadata."
	}
	kind := field(n, "kind")
	if kind == nil || kind.Value == "" {
		return "the object has no kind", "Every object needs apiVersion, kind and metadata.name."
	}
	if name := field(n, "metadata", "name"); name == nil || name.Value == "" {
		if field(n, "metadata", "generateName") != nil {
			return fmt.Sprintf("the %s has a generateName, which cannot be kept in Git", kind.Value),
				"Kustomize needs metadata.name. For Argo Workflows, write a WorkflowTemplate or a CronWorkflow."
		}
		return fmt.Sprintf("the %s has no metadata.name", kind.Value), "Every object needs apiVersion, kind and metadata.name."
	}
	return "", ""
}

// locate resolves an entry, or says what is wrong with it.
func (c *closure) locate(v *visit, e entry, what string) (real string, mode fs.FileMode, ok bool) {
	switch {
	case e.value == "":
		c.add(v.finding(RuleFailed, e.node, "an empty entry names no "+what, "Remove it."))
		return "", 0, false
	case strings.Contains(e.value, "\n"):
		c.add(v.finding(RuleFailed, e.node, "this is text, not the path of a "+what, "Write it to a file and name the file."))
		return "", 0, false
	case isRemote(e.value):
		c.add(v.remote(e.node, e.value))
		return "", 0, false
	case path.IsAbs(e.value):
		c.add(v.finding(RuleFailed, e.node, "an absolute path does not mean the same on another machine", "Write it relative to "+v.dir+"."))
		return "", 0, false
	}
	name, inside := joinPath(v.dir, e.value)
	if !inside {
		c.add(v.finding(RuleFailed, e.node, "the path leads out of the repository", "Everything that is built stands in the repository."))
		return "", 0, false
	}
	real, mode, err := c.source.resolve(name)
	switch {
	case err == nil:
		return real, mode, true
	case errors.Is(err, fs.ErrNotExist) && looksHosted(e.value):
		c.add(v.remote(e.node, e.value))
	case errors.Is(err, fs.ErrNotExist):
		c.add(v.finding(RuleMissing, e.node, fmt.Sprintf("the %s %s does not exist", what, e.value), c.near(name)))
	default:
		c.add(v.finding(RuleFailed, e.node, e.value+": "+plainError(err), ""))
	}
	return "", 0, false
}

func (k *kustomization) remote(n *yaml.Node, value string) diag.Diagnostic {
	d := k.finding(RuleRemote, n, "this would be fetched from the network: "+withoutUser(value),
		"Nothing is fetched during a build. Copy it into the repository, at a pinned version, and name the copy.")
	d.Sensitive = withoutUser(value) != value
	return d
}

// withoutUser takes what may be a credential out of a URL: the user, and every
// parameter but the revision.
func withoutUser(value string) string {
	before, rest, found := strings.Cut(value, "://")
	if !found {
		return value
	}
	if name, query, has := strings.Cut(rest, "?"); has && !strings.HasPrefix(query, "ref=") {
		rest = name
	} else if has {
		query, _, _ = strings.Cut(query, "&")
		rest = name + "?" + query
	}
	host, tail, hasTail := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		rest = host[at+1:]
		if hasTail {
			rest += "/" + tail
		}
	}
	return before + "://" + rest
}

// inside reports whether a file stands in or below the kustomization, the only
// place from which kustomize reads files.
func (c *closure) inside(v *visit, e entry, real string) bool {
	if v.dir == "." || strings.HasPrefix(real, v.dir+"/") {
		return true
	}
	c.add(v.finding(RuleFailed, e.node, fmt.Sprintf("the file %s stands outside of %s", real, v.dir),
		"Kustomize reads files only from the kustomization's own directory. Give the other directory a kustomization and list the directory."))
	return false
}

// directory resolves an entry that must be a directory with a kustomization.
func (c *closure) directory(v *visit, e entry, component bool) (item, bool) {
	what := "directory"
	if component {
		what = "component"
	}
	real, mode, ok := c.locate(v, e, what)
	if !ok {
		return item{}, false
	}
	if !mode.IsDir() {
		c.add(v.finding(RuleFailed, e.node, e.value+" is a file, and a component is a directory", "Name the directory that holds the Component's kustomization.yaml."))
		return item{}, false
	}
	return c.directoryAt(v, e, real, component)
}

func (c *closure) directoryAt(v *visit, e entry, real string, component bool) (item, bool) {
	for up := v; up != nil; up = up.host {
		if up.dir == real || real == "." || strings.HasPrefix(up.dir, real+"/") {
			c.add(v.finding(RuleFailed, e.node, fmt.Sprintf("the build goes in a circle: %s is or contains %s, which is being built", real, up.dir),
				"A kustomization cannot name itself, its parent directory or one that leads back to it."))
			return item{}, false
		}
	}
	name, bad := c.source.kustomizationIn(real, v.at(e.node))
	if bad != nil {
		c.add(*bad)
		return item{}, false
	}
	if before := c.untrusted; before != 0 {
		c.untrusted = pluginDirectory
		defer func() { c.untrusted = before }()
		c.pluginFile(name)
	}
	next := c.enter(name, v)
	if next == nil {
		return item{}, false
	}
	switch {
	case component && !next.component():
		c.add(v.finding(RuleFailed, e.node, e.value+" is a Kustomization, and components takes only Components", "List it under resources."))
	case !component && next.component():
		c.add(v.finding(RuleFailed, e.node, e.value+" is a Component", "List it under components."))
	}
	return item{entry: e, path: real, visit: next}, true
}
