package cli

import (
	"context"
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
// stands on. One that is rendered and not yet there is a matter of drift; any
// other that is not there is a finding.
func (s stage) roots() (dirs []string, findings diag.List) {
	if s.spec == nil {
		return nil, nil
	}
	for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
		dir, render := s.spec.TerraformRootAt(name)
		if dir == "" || slices.Contains(dirs, dir) {
			continue
		}
		_, err := fs.Stat(s.fsys, dir)
		switch {
		case err == nil:
			dirs = append(dirs, dir)
		case !render:
			findings = append(findings, diag.Diagnostic{
				Rule: "terraform-unread", Severity: diag.Warning, Range: s.spec.At("terraform"), Field: "terraform",
				Summary: dir + " is not in the repository: no Terraform of the environment was checked",
				Detail:  "Mend the path, which is relative to the Platform's file, or leave it out where Terraform stands in another repository.",
			})
		}
	}
	return dirs, findings
}

// readTerraform reads the roots of a stage and returns what is wrong with them.
func (b *built) readTerraform() diag.List {
	dirs, findings := b.roots()
	if len(dirs) > 0 {
		roots, found := terraform.ReadAll(b.fsys, dirs, terraform.Options{})
		b.terraform = roots
		findings = append(findings, found...)
	}
	return findings.In(b.name).Sorted()
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
