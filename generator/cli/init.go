package cli

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"strake/generator/spec"
	"strake/generator/tree"
)

// scaffold is what init writes once; it is the user's from then on.
//
//go:embed scaffold
var scaffold embed.FS

// scaffolded says where each file of the scaffold goes.
func scaffolded() map[string]string {
	return map[string]string{
		"platform.yaml":          "environments/platform.yaml",
		"tenant.yaml":            "environments/tenants/example-team.yaml",
		"pre-commit-config.yaml": ".pre-commit-config.yaml",
		"workflow.yml":           ".github/workflows/strake.yml",
	}
}

type initOptions struct {
	name, repository, project, region string
}

func newInit(g *global) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Start a platform: spec, one tenant, hooks and workflows",
		Long: `Init writes a small spec with one tenant, a pre-commit configuration and a
GitHub workflow, renders them and checks the result. It never overwrites a file.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.init(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "name of the platform (default: the directory's)")
	flags.StringVar(&o.repository, "repository", "", "URL of the Git repository (default: the remote origin)")
	flags.StringVar(&o.project, "project", "", "Google Cloud project, may contain ${environment} (default NAME-${environment})")
	flags.StringVar(&o.region, "region", "asia-northeast1", "Google Cloud region")
	return cmd
}

func (g *global) init(ctx context.Context, o initOptions) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if w.specPath != "" {
		return usagef("%s is here already: edit it and run 'strake render'", w.specPath)
	}
	if err := w.fill(&o); err != nil {
		return err
	}
	plan, err := w.scaffoldPlan(o)
	if err != nil {
		return err
	}
	if _, err := w.dir.Write(ctx, plan, tree.WriteOptions{}); err != nil {
		return err
	}
	for _, c := range plan.Changes {
		w.talk("wrote %s", c.Path)
	}
	if err := g.render(ctx, nil, false, false); err != nil {
		return err
	}
	return g.check(ctx, checkOptions{failOn: "error", format: "text", since: head, policies: []string{builtin}}, nil)
}

// fill takes what was not said from the directory and from Git.
func (w *workspace) fill(o *initOptions) error {
	if o.name == "" {
		o.name = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(filepath.Base(w.root)), "-"), "-")
		o.name = strings.TrimLeft(o.name, "0123456789-")
		o.name = strings.TrimRight(o.name[:min(len(o.name), 16)], "-")
		if len(o.name) < 2 {
			o.name = "mlops"
		}
	}
	if o.repository == "" && w.git != nil {
		if url, ok := w.git.Remote("origin"); ok {
			o.repository = url
		}
	}
	if o.repository == "" {
		o.repository = "https://github.com/example/" + o.name
	}
	if o.project == "" {
		o.project = o.name + "-${environment}"
	}
	for _, value := range []string{o.name, o.repository, o.project, o.region} {
		if strings.ContainsAny(value, "\"'\n\\#,[]: ") && value != o.repository || strings.ContainsAny(value, "\"'\n\\ ,[]") {
			return usagef("%q cannot stand in a spec", value)
		}
	}
	return nil
}

// scaffoldPlan refuses to run over anything that exists.
func (w *workspace) scaffoldPlan(o initOptions) (*tree.Plan, error) {
	replace := strings.NewReplacer("$NAME", o.name, "$REPOSITORY", o.repository, "$PROJECT", o.project, "$REGION", o.region)
	files := map[string][]byte{"environments/platform.schema.json": spec.Schema()}
	for from, to := range scaffolded() {
		data, err := fs.ReadFile(scaffold, path.Join("scaffold", from))
		if err != nil {
			return nil, fmt.Errorf("read the scaffold: %w", err)
		}
		text := string(data)
		if from == "platform.yaml" {
			text = replace.Replace(text)
		}
		files[to] = []byte(text)
	}
	plan := &tree.Plan{}
	var taken []string
	for _, to := range slices.Sorted(maps.Keys(files)) {
		if _, err := fs.Stat(w.fsys, to); !errors.Is(err, fs.ErrNotExist) {
			taken = append(taken, to)
			continue
		}
		plan.Changes = append(plan.Changes, tree.Change{Path: to, After: files[to]})
	}
	if len(taken) > 0 {
		return nil, usagef("init overwrites nothing, and %s exists", list(taken))
	}
	before, err := fs.ReadFile(w.fsys, ".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read .gitignore: %w", err)
	}
	if !slices.Contains(strings.Split(string(before), "\n"), "/.strake/") {
		after := string(before)
		if after != "" && !strings.HasSuffix(after, "\n") {
			after += "\n"
		}
		plan.Changes = append(plan.Changes, tree.Change{Path: ".gitignore", Before: before, Existed: err == nil, After: []byte(after + "/.strake/\n")})
	}
	return plan, nil
}
