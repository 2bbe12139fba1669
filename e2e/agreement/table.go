package agreement

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Row is one case with its verdicts.
type Row struct {
	Case
	Strake Opinion
	// Write is a dry run of a POST, or of a patch over what stands there, and Apply
	// of a server-side apply.
	Write, Apply Answer
	// Lint is argo lint's verdict, where it was asked.
	Linted bool
	Lint   error
}

// refused is the verdict that Strake is held to: what one of the judges refuses
// does not get into a cluster.
func (r Row) refused() bool {
	return r.Write.Refused() || r.Apply.Refused() || r.Lint != nil
}

func (r Row) agrees() bool { return r.Strake.Refused() == r.refused() }

// ByBuild is the class of exclusions in which kustomize changes or refuses what
// stands in the file, so that the server never sees it.
const ByBuild = "build"

// BySchema is the class of exclusions in which only the schema of the whole CRDs
// refuses. A platform has the minimal ones, which have no schema.
const BySchema = "schema"

// Exclusion is a case in which Strake may differ, with the reason.
type Exclusion struct {
	Case   string `yaml:"case"`
	Class  string `yaml:"class"`
	Reason string `yaml:"reason"`
}

// Exclusions reads the list of exclusions; one that is not there is empty.
func Exclusions(path string) ([]Exclusion, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Exclusion
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range list {
		if e.Case == "" || e.Class == "" || e.Reason == "" {
			return nil, fmt.Errorf("%s: an exclusion needs case, class and reason: %+v", path, e)
		}
	}
	return list, nil
}

// Judge returns what is wrong with the rows: a verdict of Strake's that differs,
// an exclusion that is not needed any more or names no case, judges that differ
// from one another without a note, and a case that is not what it says it is.
func Judge(rows []Row, exclusions []Exclusion) []error {
	excluded := make(map[string]Exclusion, len(exclusions))
	for _, e := range exclusions {
		excluded[e.Case] = e
	}
	met := make(map[string]bool, len(rows))
	var errs []error
	for _, r := range rows {
		_, is := excluded[r.ID]
		met[r.ID] = true
		switch {
		case !r.agrees() && !is:
			errs = append(errs, fmt.Errorf("%s: Strake says %s, and the others %s\n%s", r.ID, r.Strake, r.others(), r.said()))
		case r.agrees() && is:
			errs = append(errs, fmt.Errorf("%s: it is excluded, and the verdicts do not differ: take it off the list", r.ID))
		}
		if excluded[r.ID].Class == BySchema && r.Lint != nil {
			errs = append(errs, fmt.Errorf("%s: it is excluded for the CRD's schema, and argo lint refuses it too: %w", r.ID, r.Lint))
		}
		if r.Accepted == r.refused() {
			errs = append(errs, fmt.Errorf("%s: accepted is %t, and the others say %s\n%s", r.ID, r.Accepted, r.others(), r.said()))
		}
		if r.Write.Refused() != r.Apply.Refused() && r.Note == "" {
			errs = append(errs, fmt.Errorf("%s: POST or PATCH, and server-side apply differ, and no note says why: %s\n%s", r.ID, r.others(), r.said()))
		}
	}
	for _, e := range exclusions {
		if !met[e.Case] {
			errs = append(errs, fmt.Errorf("the exclusion of %q names no case", e.Case))
		}
	}
	return errs
}

func (r Row) others() string {
	text := fmt.Sprintf("write %s, apply %s", r.Write, r.Apply)
	if r.Linted {
		text += ", lint " + r.lint()
	}
	return text
}

func (r Row) lint() string {
	switch {
	case !r.Linted:
		return ""
	case r.Lint != nil:
		return "refused"
	default:
		return "ok"
	}
}

// said is what everybody gave as the reason, for the reader of a failure.
func (r Row) said() string {
	lines := slices.Clone(r.Strake.texts)
	for _, text := range []string{r.Write.message, r.Apply.message} {
		if text != "" {
			lines = append(lines, text[:min(len(text), 400)])
		}
	}
	if r.Lint != nil {
		lines = append(lines, r.Lint.Error())
	}
	return "    " + strings.ReplaceAll(strings.Join(lines, "\n"), "\n", "\n    ")
}

// Count is how often verdicts agree, and how often Strake's finding names the
// fields that the server names.
type Count struct {
	Cases, Agree, Excluded int
	Refused                int
	Fields, Named          int
}

// add counts a row.
func (c *Count) add(r Row) {
	c.Cases++
	switch {
	case r.agrees():
		c.Agree++
	default:
		c.Excluded++
	}
	if !r.refused() || !r.Strake.Refused() {
		return
	}
	c.Refused++
	fields := r.Write.fields
	if len(fields) == 0 {
		fields = r.Apply.fields
	}
	if len(fields) == 0 {
		return
	}
	c.Fields++
	if slices.ContainsFunc(fields, r.Strake.names) {
		c.Named++
	}
}

// Table writes the rows as text, a line each, and the counts below.
func Table(rows []Row, exclusions []Exclusion) (string, Count) {
	excluded := make(map[string]Exclusion, len(exclusions))
	for _, e := range exclusions {
		excluded[e.Case] = e
	}
	var out strings.Builder
	var count Count
	columns := func(cells ...string) {
		line := fmt.Sprintf("%-76s %-30s %-12s %-12s %-9s %s", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	columns("case", "strake", "POST/PATCH", "SSA", "argo lint", "note")
	for _, r := range rows {
		count.add(r)
		note := r.Note
		if e, ok := excluded[r.ID]; ok {
			note = "excluded, " + e.Class + ": " + e.Reason
		} else if r.Linted && (r.Lint != nil) != (r.Write.Refused() || r.Apply.Refused()) {
			note = strings.Trim("lint and CRD differ; "+note, "; ")
		}
		columns(r.ID, r.Strake.String(), r.Write.String(), r.Apply.String(), r.lint(), note)
	}
	fmt.Fprintf(&out, "\n%d cases: %d verdicts agree, %d are excluded. Of %d objects that all refuse, the server names fields for %d, and Strake's finding names one of them in %d.\n",
		count.Cases, count.Agree, count.Excluded, count.Refused, count.Fields, count.Named)
	return out.String(), count
}
