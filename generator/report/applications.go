package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"strake/generator/manifest"
)

// Overlay is what one directory of an environment builds.
type Overlay struct {
	Environment, Dir string
	Objects          []*manifest.Object
}

// application is what the table says of an Argo CD Application.
type application struct {
	environment, name string
	// in is the directory that the Application stands in, and so its parent's
	// path.
	in                                  string
	project, repository, path, revision string
	namespace, cluster, sync            string
	wave                                int
	fields                              map[string]any
	children                            []*application
	hasParent                           bool
}

// Applications writes a table of all Argo CD Applications, each below the one
// that delivers it, in the order in which they are first created. repository is
// the one that goes without saying. It returns how many there are.
func Applications(w io.Writer, overlays []Overlay, repository string) (int, error) {
	cells := [][]string{{"ENVIRONMENT", "APPLICATION", "PROJECT", "DELIVERS", "FOLLOWS", "TO", "SYNC"}}
	all := applications(overlays)
	for _, a := range all {
		if !a.hasParent {
			cells = append(cells, a.rows(repository, 0)...)
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	var out bytes.Buffer
	writeColumns(&out, cells, make([]bool, len(cells[0])))
	if _, err := w.Write(out.Bytes()); err != nil {
		return 0, fmt.Errorf("write the table: %w", err)
	}
	return len(all), nil
}

// applications reads the Applications and finds the parent of each: the one
// whose path is the directory that it stands in. One that delivers itself, as a
// root does, is nobody's child.
func applications(overlays []Overlay) []*application {
	var all []*application
	byPath := map[[2]string]*application{}
	for _, o := range overlays {
		for _, object := range o.Objects {
			if object.Kind != "Application" || object.Group() != "argoproj.io" {
				continue
			}
			a := readApplication(object)
			a.environment, a.in = o.Environment, o.Dir
			all = append(all, a)
			byPath[[2]string{a.environment, a.path}] = a
		}
	}
	for _, a := range all {
		if parent := byPath[[2]string{a.environment, a.in}]; parent != nil && parent != a && !parent.below(a) {
			parent.children = append(parent.children, a)
			a.hasParent = true
		}
	}
	for _, a := range all {
		slices.SortFunc(a.children, func(x, y *application) int {
			return cmp.Or(cmp.Compare(x.wave, y.wave), cmp.Compare(x.name, y.name))
		})
	}
	return all
}

// below reports whether an Application is delivered by another one, or through
// it.
func (a *application) below(top *application) bool {
	return slices.ContainsFunc(top.children, func(c *application) bool { return c == a || a.below(c) })
}

func (a *application) rows(repository string, depth int) [][]string {
	delivers := a.path
	if a.repository != repository {
		delivers = strings.TrimSuffix(a.repository+" "+a.path, " ")
	}
	to := a.namespace
	if a.cluster != inCluster {
		to = strings.TrimSuffix(a.cluster+" "+to, " ")
	}
	out := [][]string{{a.environment, strings.Repeat("  ", depth) + a.name, a.project, delivers, a.revision, to, a.sync}}
	for _, child := range a.children {
		out = append(out, child.rows(repository, depth+1)...)
	}
	return out
}

// inCluster is the cluster that Argo CD itself runs in.
const inCluster = "https://kubernetes.default.svc"

func readApplication(object *manifest.Object) *application {
	a := &application{name: object.Name, fields: object.Fields}
	a.project = a.text("spec", "project")
	source := []string{"spec", "source"}
	a.repository, a.revision = a.text(append(source, "repoURL")...), cmp.Or(a.text(append(source, "targetRevision")...), "HEAD")
	if a.path = cmp.Or(a.text(append(source, "path")...), a.text(append(source, "chart")...)); a.path != "" {
		a.path = path.Clean(a.path)
	}
	if several, _ := a.value("spec", "sources").([]any); len(several) > 0 {
		a.repository, a.path, a.revision = plural(len(several), "source"), "", ""
	}
	a.cluster = cmp.Or(a.text("spec", "destination", "name"), a.text("spec", "destination", "server"))
	a.namespace = a.text("spec", "destination", "namespace")
	a.wave, _ = strconv.Atoi(a.text("metadata", "annotations", "argocd.argoproj.io/sync-wave")) // 0 is the wave of those that name none
	a.sync = a.policy()
	return a
}

func (a *application) policy() string {
	automated, on := a.value("spec", "syncPolicy", "automated").(map[string]any)
	if enabled, set := automated["enabled"].(bool); !on || set && !enabled {
		return "by hand"
	}
	parts := []string{"auto"}
	for _, option := range []struct{ key, word string }{{"prune", "prune"}, {"selfHeal", "self-heal"}} {
		if set, _ := automated[option.key].(bool); set {
			parts = append(parts, option.word)
		}
	}
	return strings.Join(parts, ", ")
}

func (a *application) value(keys ...string) any {
	var value any = a.fields
	for _, key := range keys {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

func (a *application) text(keys ...string) string {
	s, _ := a.value(keys...).(string)
	return s
}
