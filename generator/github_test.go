package generator_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

var (
	pinned     = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[0-9a-f]{40}$`)
	yamlBlocks = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// workflow is what a workflow and a composite action have in common.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct{ Steps []step }
	Runs        struct {
		Using string
		Steps []step
	}
}

type step struct {
	Uses, Run, Shell string
	With             map[string]string
}

// TestActionsArePinned holds what a reader of a workflow cannot see go wrong:
// actions named by commit, no expression inside a script, and no token left in
// the checkout.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	root := os.DirFS("..")
	texts := map[string]string{}
	paths, err := fs.Glob(root, ".github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	for _, path := range append(paths, "action.yml") {
		texts[path] = readFile(t, root, path)
	}
	for _, block := range yamlBlocks.FindAllStringSubmatch(readFile(t, root, "docs/github-actions.md"), -1) {
		texts["docs/github-actions.md: "+strings.SplitN(block[1], "\n", 2)[0]] = strings.ReplaceAll(block[1], "@COMMIT", "@"+strings.Repeat("0", 40))
	}
	for path, text := range texts {
		if strings.HasPrefix(text, "  ") {
			text = "jobs:\n" + text // a job on its own, as the page shows it
		}
		if strings.Contains(text, "\nrepos:") {
			continue
		}
		var w workflow
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if strings.Contains(text, "\non:") && w.Permissions["contents"] != "read" {
			t.Errorf("%s: the workflow's permissions are not read-only: %v", path, w.Permissions)
		}
		steps := slices.Clone(w.Runs.Steps)
		for _, job := range w.Jobs {
			steps = append(steps, job.Steps...)
		}
		if len(steps) == 0 {
			t.Errorf("%s: no steps were read", path)
		}
		for _, s := range steps {
			checkStep(t, path, s, w.Runs.Using == "composite")
		}
	}
}

func checkStep(t *testing.T, path string, s step, composite bool) {
	t.Helper()
	if s.Uses != "" && s.Uses != "./" && !pinned.MatchString(s.Uses) {
		t.Errorf("%s: %s is not pinned by a commit", path, s.Uses)
	}
	if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
		t.Errorf("%s: checkout leaves its token on the disk", path)
	}
	if strings.Contains(s.Run, "${{") {
		t.Errorf("%s: an expression inside a script: hand it in through env:\n%s", path, s.Run)
	}
	if composite && s.Run != "" && s.Shell == "" {
		t.Errorf("%s: a composite action's step needs a shell:\n%s", path, s.Run)
	}
}

// TestHooks holds what pre-commit needs of hooks that look at a whole tree.
func TestHooks(t *testing.T) {
	t.Parallel()
	var hooks []struct {
		ID, Name, Language, Entry string
		PassFilenames             *bool `yaml:"pass_filenames"`
		RequireSerial             bool  `yaml:"require_serial"`
		AlwaysRun                 bool  `yaml:"always_run"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, os.DirFS(".."), ".pre-commit-hooks.yaml")), &hooks); err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for _, h := range hooks {
		entries[h.ID+" "+h.Language] = h.Entry
		if h.PassFilenames == nil || *h.PassFilenames || !h.RequireSerial || !h.AlwaysRun || h.Name == "" {
			t.Errorf("%s would be split over processes, or not run on a deletion", h.ID)
		}
	}
	for id, entry := range map[string]string{
		"strake-check golang": "strake check", "strake-check-system system": "strake check",
		"strake-render golang": "strake render", "strake-render-system system": "strake render",
	} {
		if entries[id] != entry {
			t.Errorf("%s runs %q, want %q", id, entries[id], entry)
		}
	}
}

func readFile(t *testing.T, fsys fs.FS, path string) string {
	t.Helper()
	data, err := fs.ReadFile(fsys, path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
