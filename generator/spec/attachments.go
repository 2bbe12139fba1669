package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxMounted is what one ConfigMap can hold: the API server refuses more
// (https://kubernetes.io/docs/concepts/configuration/configmap/).
const maxMounted = 1 << 20

// attachments resolves the paths that are relative to the Platform's file, and
// reads the files that are rendered into others.
func (l *loader) attachments(x *examiner) {
	e := x.e
	if t := e.Terraform; t != nil {
		l.inside(x, "terraform.path", &t.Path)
		if t.Persistent != nil {
			l.inside(x, "terraform.persistent.path", &t.Persistent.Path)
		}
		if t.Ephemeral != nil {
			l.inside(x, "terraform.ephemeral.path", &t.Ephemeral.Path)
		}
	}
	for i := range e.Tenants {
		t := &e.Tenants[i]
		at := "tenants[" + t.Name + "]"
		for j := range t.Data.Datasets {
			set := &t.Data.Datasets[j]
			for k := range set.Tables {
				where := at + ".data.datasets[" + set.Name + "].tables[" + set.Tables[k].Name + "].schema"
				if l.inside(x, where, &set.Tables[k].Schema) {
					l.attach(x, where, set.Tables[k].Schema)
				}
			}
		}
		for j := range t.Services {
			s := &t.Services[j]
			for _, mount := range sortedKeys(s.Files) {
				where := at + ".services[" + s.Name + "].files." + mount
				dir := s.Files[mount]
				if l.inside(x, where, &dir) {
					s.Files[mount] = dir
					l.directory(x, where, dir)
				}
			}
		}
	}
	slices.SortFunc(e.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// inside joins a path to the directory of the Platform's file. It reports
// whether there is a path, and whether it stays in the repository.
func (l *loader) inside(x *examiner, at string, name *string) bool {
	if *name == "" || !x.settled(at) {
		return false
	}
	joined := path.Join(path.Dir(l.path), *name)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		x.report(ruleValue, at, *name+" is outside of the repository", "Paths are relative to the Platform's file, "+l.path+". What stands in another repository cannot be read here.")
		return false
	}
	*name = joined
	return true
}

// directory attaches the files of a directory.
func (l *loader) directory(x *examiner, at, dir string) {
	entries, err := fs.ReadDir(l.fsys, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.report(ruleRead, at, "directory "+dir+" does not exist", "The path is relative to the Platform's file.")
		return
	case err != nil:
		x.report(ruleRead, at, "directory "+dir+" cannot be read", cause(err))
		return
	case len(entries) == 0:
		x.report(ruleRead, at, "directory "+dir+" is empty", "Every file of the directory becomes a key of a ConfigMap.")
		return
	}
	size := 0
	for _, entry := range entries {
		file := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			x.report(ruleRead, at, file+" is a directory", "A ConfigMap has no directories: mount it as one of its own.")
			continue
		case !configKey.MatchString(entry.Name()):
			x.report(ruleName, at, file+" cannot be the key of a ConfigMap", "Name the file with letters, digits, dots, hyphens and underscores.")
			continue
		}
		size += l.attach(x, at, file)
	}
	if size > maxMounted {
		x.report(ruleLimit, at, fmt.Sprintf("the files of %s are larger than 1 MiB together", dir), "No ConfigMap can hold them. Put them into the image.")
	}
}

// attach reads one file and returns its size.
func (l *loader) attach(x *examiner, at, file string) int {
	if i := slices.IndexFunc(x.e.Files, func(have File) bool { return have.Path == file }); i >= 0 {
		return len(x.e.Files[i].Content)
	}
	data, found := readFile(l.fsys, file)
	switch {
	case len(found) > 0:
		x.report(ruleRead, at, file+": "+found[0].Summary, strings.TrimSpace("The path is relative to the Platform's file. "+found[0].Detail))
		return 0
	case len(data) == 0:
		x.report(ruleRead, at, file+" is empty", "Leave it out, or write what it should hold.")
		return 0
	case !utf8.Valid(data) || strings.ContainsRune(string(data), 0):
		x.report(ruleRead, at, file+" is not UTF-8 text", "Put what is no text into the image.")
		return 0
	}
	x.e.Files = append(x.e.Files, File{Path: file, Content: string(data)})
	if !slices.Contains(l.files, file) {
		l.files = append(l.files, file)
	}
	return len(data)
}

// File returns the content of a file that was attached to the spec.
func (e *Effective) File(name string) (string, bool) {
	for _, f := range e.Files {
		if f.Path == name {
			return f.Content, true
		}
	}
	return "", false
}

// FilesIn lists the attached files of a directory, by path.
func (e *Effective) FilesIn(dir string) []File {
	var in []File
	for _, f := range e.Files {
		if path.Dir(f.Path) == dir {
			in = append(in, f)
		}
	}
	return in
}
