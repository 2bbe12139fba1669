package tree

import (
	"fmt"
	"strings"
	"testing"
)

// many is a platform of n environments with 15 overlays of 10 files each.
func many(n int) map[string]*Tree {
	fresh := map[string]*Tree{}
	for e := range n {
		env := fmt.Sprintf("env%d", e)
		t := New(File{Path: "environments/" + env + "/effective.yaml", Data: []byte(ours(strings.Repeat("a: 1\n", 500)))})
		for app := range 15 {
			overlay, base := fmt.Sprintf("overlays/%s/app%d/", env, app), fmt.Sprintf("base/app%d/v1-12345678/", app)
			t.Put(File{Path: overlay + "kustomization.yaml", Data: []byte(ours("resources:\n- ../../../" + base + "\n"))})
			for i := range 9 {
				t.Put(File{Path: fmt.Sprintf("%spatches/%d.yaml", overlay, i), Data: []byte(ours(strings.Repeat("kind: Deployment\n", 60)))})
				t.Put(File{Path: fmt.Sprintf("%s%d.yaml", base, i), Data: []byte(ours(strings.Repeat("kind: Deployment\n", 60)))})
			}
		}
		fresh[env] = t
	}
	return fresh
}

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprintf("environments=%d", n), func(b *testing.B) {
			c := Comparison{Committed: New(), Want: many(n), Fresh: many(n), Attributes: Patterns()}
			for _, t := range c.Want {
				c.Committed.Merge(t)
			}
			for b.Loop() {
				if got := Compare(c); len(got) != 1 { // the block in .gitattributes
					b.Fatalf("%d statuses", len(got))
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprintf("environments=%d", n), func(b *testing.B) {
			root := b.TempDir()
			d, err := Open(root)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := d.Close(); err != nil {
					b.Error(err)
				}
			}()
			if _, err := d.Write(b.Context(), NewPlan(Comparison{Committed: New(), Fresh: many(n)}, PlanOptions{}), WriteOptions{}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, findings, err := d.Load(b.Context(), "base", "overlays", "environments"); err != nil || len(findings) > 0 {
					b.Fatal(err, findings)
				}
			}
		})
	}
}
