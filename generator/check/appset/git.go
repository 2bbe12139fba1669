package appset

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// git gives one set of parameters for each directory, or for each object in
// the files, of this repository.
func (e *expander) git(body map[string]any, at []any) ([]params, *Problem) {
	url, _ := body["repoURL"].(string)
	if e.repository.Here == nil || e.repository.Files == nil || !e.repository.Here(url) {
		return nil, &Problem{Path: at, Unknown: true, Reason: fmt.Sprintf("the generator git reads another repository, %s", url)}
	}
	var sets []params
	var problem *Problem
	switch {
	case len(items(body["directories"])) > 0:
		sets, problem = e.directories(body, at)
	case len(items(body["files"])) > 0:
		sets, problem = e.files(body, at)
	default:
		return nil, &Problem{Path: at, Reason: "the generator git names neither directories nor files"}
	}
	if problem != nil {
		return nil, problem
	}
	for i := range sets {
		if err := e.values(object(body["values"]), sets[i].values); err != nil {
			return nil, &Problem{Path: append(at, "values"), Unknown: unknownFunction(err), Reason: err.Error()}
		}
	}
	return sets, nil
}

// directories are those that a pattern matches and no exclusion does.
func (e *expander) directories(body map[string]any, at []any) ([]params, *Problem) {
	prefix, _ := body["pathParamPrefix"].(string)
	var include, exclude []string
	for i, item := range items(body["directories"]) {
		pattern, _ := object(item)["path"].(string)
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, &Problem{Path: append(at, "directories", i, "path"), Reason: fmt.Sprintf("%q is no pattern", pattern)}
		}
		if object(item)["exclude"] == true {
			exclude = append(exclude, pattern)
		} else {
			include = append(include, pattern)
		}
	}
	matches := func(patterns []string, dir string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := path.Match(pattern, dir)
			return ok && err == nil
		})
	}
	var sets []params
	for _, dir := range Directories(e.repository.Files()) {
		if matches(include, dir) && !matches(exclude, dir) {
			sets = append(sets, params{values: e.pathParams(prefix, dir, "")})
		}
	}
	return sets, nil
}

// Directories are those that the files stand in, sorted. Hidden ones are left
// out, with all that is in them.
func Directories(files []string) []string {
	seen := map[string]bool{}
	for _, file := range files {
		dir := path.Dir(file)
		if strings.HasPrefix(dir, ".") || strings.Contains(dir, "/.") {
			dir = visible(dir)
		}
		for dir != "." && !seen[dir] {
			seen[dir] = true
			dir = path.Dir(dir)
		}
	}
	return sortedKeys(seen)
}

// visible is the part of a directory above the first hidden one.
func visible(dir string) string {
	var out []string
	for part := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(part, ".") {
			break
		}
		out = append(out, part)
	}
	if len(out) == 0 {
		return "."
	}
	return path.Join(out...)
}

func sortedKeys(seen map[string]bool) []string {
	out := make([]string, 0, len(seen))
	for key := range seen {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// files give one set for each object in them.
func (e *expander) files(body map[string]any, at []any) ([]params, *Problem) {
	prefix, _ := body["pathParamPrefix"].(string)
	matched := map[string]bool{}
	for i, item := range items(body["files"]) {
		pattern, _ := object(item)["path"].(string)
		if object(item)["exclude"] == true {
			return nil, &Problem{Path: append(at, "files", i, "exclude"), Unknown: true, Reason: "files are excluded, which older versions of Argo CD do not know"}
		}
		is, err := pathspec(pattern)
		if err != nil {
			return nil, &Problem{Path: append(at, "files", i, "path"), Reason: fmt.Sprintf("%q is no pattern", pattern)}
		}
		for _, file := range e.repository.Files() {
			if is.MatchString(file) {
				matched[file] = true
			}
		}
	}
	var sets []params
	for _, file := range sortedKeys(matched) {
		data, ok := e.repository.Read(file)
		if !ok {
			return nil, &Problem{Path: at, Unknown: true, Reason: fmt.Sprintf("the file %s cannot be read", file)}
		}
		value, err := decode(data)
		if err != nil {
			return nil, &Problem{Path: at, Reason: fmt.Sprintf("the file %s is no YAML: %s", file, strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))}
		}
		list, isList := value.([]any)
		switch {
		case !isList && value != nil && object(value) == nil:
			return nil, &Problem{Path: at, Reason: fmt.Sprintf("the file %s holds neither a map nor a list of maps", file)}
		case !isList && value != nil:
			list = []any{value}
		case len(list) == 0:
			list = []any{map[string]any{}}
		}
		for _, item := range list {
			if item != nil && object(item) == nil {
				return nil, &Problem{Path: at, Reason: fmt.Sprintf("the file %s holds neither a map nor a list of maps", file)}
			}
			sets = append(sets, params{values: e.fileParams(prefix, file, object(item))})
		}
	}
	return sets, nil
}

func (e *expander) fileParams(prefix, file string, content map[string]any) map[string]any {
	out := map[string]any{}
	if e.text.gotemplate {
		for key, value := range content {
			out[key] = clone(value)
		}
	} else {
		for key, value := range flatten(content) {
			out[key] = value
		}
	}
	maps.Copy(out, e.pathParams(prefix, path.Dir(file), path.Base(file)))
	return out
}

// pathParams are the parameters that name a directory, and the file in it.
func (e *expander) pathParams(prefix, dir, file string) map[string]any {
	segments := strings.Split(dir, "/")
	if e.text.gotemplate {
		list := make([]any, len(segments))
		for i, s := range segments {
			list[i] = s
		}
		p := map[string]any{"path": dir, "basename": path.Base(dir), "basenameNormalized": normalize(path.Base(dir)), "segments": list}
		if file != "" {
			p["filename"], p["filenameNormalized"] = file, normalize(file)
		}
		if prefix != "" {
			return map[string]any{prefix: map[string]any{"path": p}}
		}
		return map[string]any{"path": p}
	}
	name := "path"
	if prefix != "" {
		name = prefix + ".path"
	}
	out := map[string]any{name: dir, name + ".basename": path.Base(dir), name + ".basenameNormalized": normalize(path.Base(dir))}
	if file != "" {
		out[name+".filename"], out[name+".filenameNormalized"] = file, normalize(file)
	}
	for i, s := range segments {
		if s != "" {
			out[name+"["+strconv.Itoa(i)+"]"] = s
		}
	}
	return out
}

// values adds the generator's own values, which may refer to its parameters.
func (e *expander) values(values, into map[string]any) error {
	if len(values) == 0 {
		return nil
	}
	made := map[string]any{}
	for _, key := range sorted(values) {
		text, err := e.text.replace(fmt.Sprint(values[key]), into, false)
		if err != nil {
			return err
		}
		made[key] = text
	}
	if e.text.gotemplate {
		into["values"] = made
		return nil
	}
	for key, text := range made {
		into["values."+key] = text
	}
	return nil
}

// pathspec is how git ls-files reads a pattern, which Argo CD hands to it: a
// star also matches slashes, and a directory means all that is in it.
// https://git-scm.com/docs/gitglossary#Documentation/gitglossary.txt-aiddefpathspecapathspec
func pathspec(pattern string) (*regexp.Regexp, error) {
	pattern = strings.TrimPrefix(pattern, "./")
	if !strings.ContainsAny(pattern, `*?[\`) {
		return regexp.Compile("^" + regexp.QuoteMeta(strings.TrimSuffix(pattern, "/")) + "(/.*)?$")
	}
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			if strings.HasPrefix(pattern[i:], "**/") { // and no directory at all
				b.WriteString("(.*/)?")
				i += 2
				continue
			}
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end < 1 {
				return nil, fmt.Errorf("a bracket is not closed")
			}
			class := strings.ReplaceAll(pattern[i+1:i+1+end], `\`, `\\`)
			if class[0] == '!' {
				class = "^" + class[1:]
			}
			b.WriteString("[" + class + "]")
			i += end + 1
		case '\\':
			if i++; i < len(pattern) {
				b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
			}
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return regexp.Compile(b.String() + "$")
}

var notName = regexp.MustCompile(`[^-a-z0-9.]`)

// normalize makes a name of the cluster out of a text.
func normalize(text string) string {
	text = notName.ReplaceAllString(strings.ToLower(text), "-")
	return strings.Trim(text[:min(len(text), 253)], "-.")
}
