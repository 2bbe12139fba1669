package terraform_test

import (
	"os"
	"path"
	"testing"
	"time"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// TestCorpus reads every root of the repositories below a directory, one each,
// and says how much it understood:
//
//	STRAKE_TERRAFORM_CORPUS=/path go test ./generator/terraform -run TestCorpus -v
//
// It fails on a panic, and on a root that says nothing at all.
func TestCorpus(t *testing.T) {
	t.Parallel()
	corpus := os.Getenv("STRAKE_TERRAFORM_CORPUS")
	if corpus == "" {
		t.Skip("STRAKE_TERRAFORM_CORPUS names no directory of repositories")
	}
	repositories, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range repositories {
		if !d.IsDir() {
			continue
		}
		fsys := os.DirFS(path.Join(corpus, d.Name()))
		start := time.Now()
		roots, modules, err := terraform.Find(fsys)
		if err != nil {
			t.Fatal(err)
		}
		var sum terraform.Coverage
		var all diag.List
		slowest, slow := time.Duration(0), ""
		for _, dir := range roots {
			begin := time.Now()
			root, found := terraform.Read(fsys, dir, terraform.Options{})
			if took := time.Since(begin); took > slowest {
				slowest, slow = took, dir
			}
			sum.Add(root.Coverage)
			all = append(all, found...)
			if len(root.Files) == 0 && len(found) == 0 {
				t.Errorf("%s/%s: nothing was read and nothing is said", d.Name(), dir)
			}
		}
		t.Logf("%s: %d roots, %d modules, %+v, %s; slowest %s %s", d.Name(), len(roots), len(modules), sum, time.Since(start).Round(time.Millisecond), slow, slowest.Round(time.Millisecond))
		rules := map[string]int{}
		for _, f := range all.Sorted() {
			rules[f.Rule]++
			if f.Severity > diag.Info && testing.Verbose() {
				t.Logf("  %s: %s: %s [%s]", f.Range, f.Severity, f.Summary, f.Rule)
			}
		}
		t.Logf("  findings: %v", rules)
	}
}
