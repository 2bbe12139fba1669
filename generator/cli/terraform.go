package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/report"
	"strake/generator/spec"
	"strake/generator/terraform"
)

// roots are the directories of Terraform that the spec says an environment
// stands on. One that is rendered and not yet there is a matter of drift.
func (s stage) roots() []string {
	if s.spec == nil {
		return nil
	}
	var dirs []string
	for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
		dir, render := s.spec.TerraformRootAt(name)
		if dir == "" || slices.Contains(dirs, dir) {
			continue
		}
		if _, err := fs.Stat(s.fsys, dir); render && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// readTerraform reads the roots of a stage and returns what is wrong with them.
func (b *built) readTerraform() diag.List {
	dirs := b.roots()
	if len(dirs) == 0 {
		return nil
	}
	roots, findings := terraform.ReadAll(b.fsys, dirs, terraform.Options{})
	b.terraform = roots
	return findings.In(b.name)
}

// checkRoots reads and checks every root of a repository without a spec. Which
// objects belong to which root nobody says, so each is judged by itself.
func (w *workspace) checkRoots(ctx context.Context, under []string, checks []check.Check, r *result) error {
	all, _, err := terraform.Find(w.fsys)
	if err != nil {
		return fmt.Errorf("search Terraform: %w", err)
	}
	dirs := slices.DeleteFunc(all, func(dir string) bool { return !within(dir, under) })
	if len(dirs) == 0 {
		return nil
	}
	defer w.progress("reading Terraform")()
	roots, findings := terraform.ReadAll(w.fsys, dirs, terraform.Options{})
	r.findings = append(r.findings, findings...)
	for _, root := range roots {
		in := check.Input{Environment: root.Dir, Partial: true, Terraform: []*terraform.Root{root}}
		judged, summary, err := check.Environment(ctx, in, checks)
		if err != nil {
			return err
		}
		r.take(built{stage: stage{name: root.Dir}, terraform: in.Terraform}, unlessBroken(judged, findings), summary)
		r.coverage.Files += root.Coverage.Files
	}
	return nil
}

// addRoots adds roots to the coverage. A root that two environments share is
// counted for each.
func addRoots(have *report.TerraformCoverage, roots []*terraform.Root) *report.TerraformCoverage {
	if len(roots) == 0 {
		return have
	}
	if have == nil {
		have = &report.TerraformCoverage{}
	}
	for _, root := range roots {
		c := root.Coverage
		have.Roots++
		have.Files += c.Files
		have.FilesNotRead += c.Unread
		have.ModulesNotRead += c.NotRead
		have.Resources += c.Resources
		have.Evaluated += c.Evaluated
		have.Partial += c.Partial
		have.Unknown += c.Unknown
	}
	return have
}
