package vendored

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"strake/generator/diag"
)

// The rules of this package.
const (
	// RuleRefused is what strake vendor says of manifests that it does not take.
	RuleRefused = "vendor-refused"
	// RuleMissing is said of a version that the spec names and vendor/ lacks.
	RuleMissing = "vendor-missing"
	// RuleEdited is said of files that are not what was taken.
	RuleEdited = "vendor-edited"
)

// recordFile says what was taken, from where, and the digest of each file.
const recordFile = "vendored.yaml"

// record is the content of recordFile.
type record struct {
	Component string            `json:"component"`
	Version   string            `json:"version"`
	Source    []string          `json:"source"`
	SHA256    string            `json:"sha256"`
	Files     map[string]string `json:"files"`
}

func (r record) marshal() ([]byte, error) {
	data, err := yaml.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return append([]byte(madeHeader), data...), nil
}

// Need is a version that an environment lies on.
type Need struct {
	Component Component
	Version   string
	// Part is crds or install: what the overlay names.
	Part string
	// At is the line of the spec that asks for it.
	At diag.Range
	// Environment that asks.
	Environment string
}

// Definitions and Install are the parts of a vendored version.
const (
	Definitions = definitionsDir
	Install     = installDir
)

// Path is the directory that the overlay names.
func (n Need) Path(root string) string { return path.Join(n.Component.Dir(root, n.Version), n.Part) }

// Missing finds what the spec asks for and is not in vendor/. fsys is the
// repository.
func Missing(fsys fs.FS, root string, needs []Need) diag.List {
	var findings diag.List
	for _, n := range needs {
		if _, err := fs.Stat(fsys, path.Join(n.Path(root), kustomization)); err == nil {
			continue
		}
		findings = append(findings, diag.Diagnostic{
			Rule: RuleMissing, Severity: diag.Error, Range: n.At, Environments: []string{n.Environment},
			Summary: fmt.Sprintf("the official manifests of %s %s are not in %s", n.Component.Title, n.Version, n.Path(root)),
			Detail:  fmt.Sprintf("Run: strake vendor %s --version %s", n.Component.Name, n.Version),
		})
	}
	return findings
}

// Edited finds what is no longer as it was taken, in every version that stands
// in vendor/: an environment may lie on any of them.
func Edited(fsys fs.FS, root string) diag.List {
	var findings diag.List
	for _, c := range Components() {
		entries, err := fs.ReadDir(fsys, path.Join(root, vendorDir, c.Name))
		if err != nil {
			continue // none is there; what the spec asks for is Missing's matter
		}
		for _, entry := range entries {
			if entry.IsDir() && ValidVersion(entry.Name()) {
				findings = append(findings, edited(fsys, c, root, entry.Name())...)
			}
		}
	}
	return findings.Sorted()
}

// edited compares the files of one version with the record.
func edited(fsys fs.FS, c Component, root, version string) diag.List {
	dir := c.Dir(root, version)
	again := fmt.Sprintf("Take it again: strake vendor %s --version %s --force.", c.Name, version)
	finding := func(name, summary string) diag.Diagnostic {
		return diag.Diagnostic{
			Rule: RuleEdited, Severity: diag.Error, Range: diag.Range{Path: path.Join(dir, name)}, Summary: summary,
			Detail: again + " Your changes belong in the overlay's custom/.",
		}
	}
	text, err := fs.ReadFile(fsys, path.Join(dir, recordFile))
	if err != nil {
		return diag.List{finding(recordFile, "the record of what was taken cannot be read")}
	}
	var r record
	if err := yaml.UnmarshalStrict(text, &r); err != nil {
		return diag.List{finding(recordFile, "the record of what was taken cannot be read")}
	}
	if r.Component != c.Name || r.Version != version {
		return diag.List{finding(recordFile, fmt.Sprintf("this is the record of %s %s", r.Component, r.Version))}
	}
	again = fmt.Sprintf("Take it again: strake vendor %s --version %s%s --sha256 %s --force.", c.Name, version, r.from(c), r.SHA256)
	var findings diag.List
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		if !fs.ValidPath(name) {
			findings = append(findings, finding(recordFile, fmt.Sprintf("the record names %q, which is no file of this directory", name)))
			continue
		}
		data, err := fs.ReadFile(fsys, path.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			findings = append(findings, finding(name, "the file was taken and is gone"))
		case err != nil:
			findings = append(findings, finding(name, "the file cannot be read"))
		case digest(data) != r.Files[name]:
			findings = append(findings, finding(name, "the file is not what was taken"))
		}
	}
	err = fs.WalkDir(fsys, dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, dir+"/")
		if _, known := r.Files[name]; !known && !d.IsDir() && name != recordFile && name != ".gitattributes" {
			findings = append(findings, finding(name, "the file was not taken: it is no part of the official manifests"))
		}
		return nil
	})
	if err != nil {
		findings = append(findings, finding("", "the directory cannot be read"))
	}
	return findings
}

// from repeats where the files came from, unless it is the default.
func (r record) from(c Component) string {
	if slices.Equal(r.Source, c.Official(r.Version)) {
		return ""
	}
	var b strings.Builder
	for _, s := range r.Source {
		b.WriteString(" --from " + s)
	}
	return b.String()
}
