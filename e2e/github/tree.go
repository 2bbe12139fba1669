package github

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// entry is one line of a tree. In a flat tree path has directories.
type entry struct {
	path, mode, kind, sha string
}

var kinds = map[string]string{"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}

// tree reads the direct entries of a tree.
func (r *repo) tree(sha string) ([]entry, error) {
	if entries, ok := r.trees[sha]; ok {
		return entries, nil
	}
	kind, data, err := r.object(sha)
	if err == nil && kind != "tree" {
		err = errMissing
	}
	if err != nil {
		return nil, err
	}
	entries := []entry{}
	for len(data) > 0 {
		head, rest, found := bytes.Cut(data, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		if !found || !spaced || len(rest) < 20 {
			return nil, fmt.Errorf("read tree %s: it is cut off", sha)
		}
		mode = strings.Repeat("0", max(0, 6-len(mode))) + mode
		entries = append(entries, entry{path: name, mode: mode, kind: kinds[mode], sha: hex.EncodeToString(rest[:20])})
		data = rest[20:]
	}
	r.trees[sha] = entries
	return entries, nil
}

// walk lists a tree recursively, as GitHub does: directories before what is in
// them.
func (r *repo) walk(sha, dir string) ([]entry, error) {
	entries, err := r.tree(sha)
	if err != nil {
		return nil, err
	}
	var all []entry
	for _, e := range entries {
		e.path = dir + e.path
		all = append(all, e)
		if e.kind != "tree" {
			continue
		}
		below, err := r.walk(e.sha, e.path+"/")
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

// flat is a tree as its files by path.
func (r *repo) flat(sha string) (map[string]entry, error) {
	all, err := r.walk(sha, "")
	if err != nil {
		return nil, err
	}
	files := make(map[string]entry, len(all))
	for _, e := range all {
		if e.kind != "tree" {
			files[e.path] = e
		}
	}
	return files, nil
}

// put sets a file in a flat tree and removes what is in its way: a directory of
// its name, a file where it needs a directory.
func put(files map[string]entry, e entry) {
	remove(files, e.path)
	for dir := parent(e.path); dir != ""; dir = parent(dir) {
		delete(files, dir)
	}
	files[e.path] = e
}

// remove takes a file or a whole directory out of a flat tree.
func remove(files map[string]entry, path string) bool {
	before := len(files)
	maps.DeleteFunc(files, func(have string, _ entry) bool {
		return have == path || strings.HasPrefix(have, path+"/")
	})
	return len(files) < before
}

func parent(path string) string {
	i := strings.LastIndex(path, "/")
	return path[:max(i, 0)]
}

// lookup finds a path in a tree; a tree itself for the empty path.
func (r *repo) lookup(root, path string) (entry, bool, error) {
	at := entry{mode: "040000", kind: "tree", sha: root}
	if path == "" {
		return at, true, nil
	}
	for name := range strings.SplitSeq(path, "/") {
		if at.kind != "tree" {
			return entry{}, false, nil
		}
		entries, err := r.tree(at.sha)
		if err != nil {
			return entry{}, false, err
		}
		i := slices.IndexFunc(entries, func(e entry) bool { return e.path == name })
		if i < 0 {
			return entry{}, false, nil
		}
		at = entries[i]
	}
	at.path = path
	return at, true, nil
}

// fileDiff is one changed file, in GitHub's words.
type fileDiff struct {
	path, previous, status, sha string
	additions, deletions        int
}

var diffStatus = map[byte]string{'A': "added", 'M': "modified", 'D': "removed", 'R': "renamed", 'C': "copied", 'T': "changed"}

// diff compares two commits or trees, with renames.
func (r *repo) diff(from, to string) ([]fileDiff, error) {
	key := [2]string{from, to}
	if files, ok := r.diffs[key]; ok {
		return files, nil
	}
	out, err := r.git(nil, "diff-tree", "-r", "-z", "-M", "--raw", "--numstat", from, to)
	if err != nil {
		return nil, err
	}
	files := parseDiff(strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"))
	r.diffs[key] = files
	return files, nil
}

// parseDiff reads git's raw lines, which all come first, and then the numbers.
func parseDiff(fields []string) []fileDiff {
	files := []fileDiff{}
	counts := make(map[string][2]int)
	for i := 0; i < len(fields); i++ {
		if words := strings.Fields(fields[i]); strings.HasPrefix(fields[i], ":") && len(words) == 5 && i+1 < len(fields) {
			d := fileDiff{path: fields[i+1], status: diffStatus[words[4][0]], sha: words[3]}
			if d.status == "removed" {
				d.sha = words[2]
			}
			i++
			if (words[4][0] == 'R' || words[4][0] == 'C') && i+1 < len(fields) {
				d.previous, d.path = d.path, fields[i+1]
				i++
			}
			files = append(files, d)
			continue
		}
		numbers := strings.SplitN(fields[i], "\t", 3)
		if len(numbers) < 3 {
			continue
		}
		path := numbers[2]
		if path == "" && i+2 < len(fields) { // a rename: old and new follow
			path = fields[i+2]
			i += 2
		}
		added, _ := strconv.Atoi(numbers[0]) // "-" of a binary file is none
		deleted, _ := strconv.Atoi(numbers[1])
		counts[path] = [2]int{added, deleted}
	}
	for i := range files {
		files[i].additions, files[i].deletions = counts[files[i].path][0], counts[files[i].path][1]
	}
	return files
}
