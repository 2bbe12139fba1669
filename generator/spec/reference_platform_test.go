package spec_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"strake/generator/spec"
)

// TestReferencePlatform holds the reference platform of this repository to the
// promise that it loads without a finding, and survives its written form.
func TestReferencePlatform(t *testing.T) {
	t.Parallel()
	p, found := spec.Load(os.DirFS("../.."), "environments/platform.yaml", "0.1.0")
	for _, f := range found {
		t.Errorf("%s: %s [%s]", f.Range, f.Summary, f.Rule)
	}
	if p == nil {
		t.Fatal("no platform")
	}
	var names []string
	for _, e := range p.Environments {
		names = append(names, e.Environment)
		again, found := spec.ParseEffective("effective.yaml", append([]byte("# header\n"), e.Marshal()...))
		for _, f := range found {
			t.Errorf("%s: %s [%s]", f.Range, f.Summary, f.Rule)
		}
		if diff := cmp.Diff(e, again, cmpopts.IgnoreUnexported(spec.Effective{})); diff != "" {
			t.Errorf("%s: ParseEffective(Marshal) differs (-want +got):\n%s", e.Environment, diff)
		}
	}
	if diff := cmp.Diff([]string{"dev", "staging", "prod"}, names); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
}
