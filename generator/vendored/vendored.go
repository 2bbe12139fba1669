// Package vendored takes the official manifests of a project apart for
// vendor/<component>/<version>/, and finds out later whether they are still
// what was taken.
//
// It must never fetch, never write to a disk, and never change a manifest: each
// file holds a document as its project published it.
package vendored

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/tree"
)

const (
	vendorDir      = "vendor"
	definitionsDir = "crds"
	installDir     = "install"
	kustomization  = "kustomization.yaml"
	definitionKind = "CustomResourceDefinition"
	// MaxSize bounds what is taken, in bytes, over all sources together.
	MaxSize = manifest.MaxFile
)

// Source is one file of manifests and where it comes from.
type Source struct {
	// Name is an address, or a path as the user wrote it. It is recorded.
	Name string
	Data []byte
}

// Digest is the SHA-256 of what is taken, in hexadecimal digits: of the file, or
// of several files the one of the lines that sha256sum prints for them.
func Digest(sources []Source) string {
	if len(sources) == 1 {
		return digest(sources[0].Data)
	}
	var lines strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&lines, "%s  %s\n", digest(s.Data), s.Name)
	}
	return digest([]byte(lines.String()))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Take makes the files of a version: crds/ and install/ with one object a file
// and a kustomization each, and the record. Manifests that are not those of the
// component and version give findings and no tree.
func Take(c Component, version, root string, sources []Source) (*tree.Tree, diag.List) {
	var objects []*manifest.Object
	var findings diag.List
	for _, s := range sources {
		if text := bytes.TrimSpace(s.Data); len(text) == 0 || text[0] == '<' {
			findings = append(findings, refusal(s.Name, "this is no YAML", "It is empty, or a web page. Name the raw file."))
			continue
		}
		more, found := manifest.Split(s.Name, s.Data)
		objects, findings = append(objects, more...), append(findings, found...)
	}
	if len(findings) > 0 {
		return nil, findings.Sorted()
	}
	if wrong := c.judge(version, objects); len(wrong) > 0 {
		for _, w := range wrong {
			findings = append(findings, refusal(sources[0].Name, fmt.Sprintf("these are not the manifests of %s %s: %s", c.Title, version, w),
				"Take the install manifests of exactly that version. A file that was cut off lacks objects too."))
		}
		return nil, findings
	}
	files, findings := c.layout(objects, sources[0].Name)
	if len(findings) > 0 {
		return nil, findings
	}
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Name
	}
	r := record{Component: c.Name, Version: version, Source: names, SHA256: Digest(sources), Files: map[string]string{}}
	for _, f := range files {
		r.Files[f.Path] = digest(f.Data)
	}
	text, err := r.marshal()
	if err != nil {
		return nil, diag.List{refusal(sources[0].Name, err.Error(), "")}
	}
	out := tree.New()
	for _, f := range append(files, tree.File{Path: recordFile, Data: text}, tree.File{Path: ".gitattributes", Data: []byte(attributes)}) {
		f.Path = path.Join(c.Dir(root, version), f.Path)
		out.Put(f)
	}
	return out, nil
}

// attributes keep git from changing line ends, which the digests would notice,
// and forges from showing a thousand lines that nobody here wrote.
const attributes = "* -text linguist-vendored\n"

// layout names a file for each object. The names follow from the objects alone,
// so that two versions can be compared file by file.
func (c Component) layout(objects []*manifest.Object, source string) ([]tree.File, diag.List) {
	var files []tree.File
	var findings diag.List
	taken := map[string]bool{}
	lists := map[string][]string{definitionsDir: nil, installDir: nil}
	for _, o := range objects {
		dir, name := installDir, fileName(o)
		if o.Kind == definitionKind {
			dir, name = definitionsDir, safe(o.Name)+".yaml"
		}
		if taken[path.Join(dir, name)] {
			findings = append(findings, refusal(source, fmt.Sprintf("%s is there twice", o.ID()), "Two objects of one name undo each other: take each file once."))
			continue
		}
		taken[path.Join(dir, name)] = true
		lists[dir] = append(lists[dir], name)
		files = append(files, tree.File{Path: path.Join(dir, name), Data: o.YAML})
	}
	for _, dir := range []string{definitionsDir, installDir} {
		if len(lists[dir]) > 0 {
			slices.Sort(lists[dir])
			files = append(files, tree.File{Path: path.Join(dir, kustomization), Data: kustomize(lists[dir])})
		}
	}
	return files, findings
}

// unsafe are the characters that a file name had better not hold: names of
// roles may have colons.
var unsafe = regexp.MustCompile(`[^a-z0-9.-]+`)

func safe(name string) string { return unsafe.ReplaceAllString(strings.ToLower(name), "-") }

// fileName is what an object is called, then what it is, and where it is when
// it says so.
func fileName(o *manifest.Object) string {
	name := safe(o.Name) + "." + safe(o.Kind)
	if o.Namespace != "" {
		name += "." + safe(o.Namespace)
	}
	return name + ".yaml"
}

// madeHeader is the first line of the files that no project published.
const madeHeader = "# Written by strake vendor. Do not edit: your changes belong in the overlay's custom/.\n"

func kustomize(names []string) []byte {
	var b strings.Builder
	b.WriteString(madeHeader + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, name := range names {
		b.WriteString("- " + name + "\n")
	}
	return []byte(b.String())
}

// refusal is a finding about manifests that are not taken.
func refusal(source, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{Rule: RuleRefused, Severity: diag.Error, Summary: summary, Detail: detail, Range: diag.Range{Path: source}}
}
