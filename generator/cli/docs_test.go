package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/spec"
)

//go:generate go test . -run ^TestReference$ -update

// TestReference keeps the page of every field as the types say it.
func TestReference(t *testing.T) {
	t.Parallel()
	file := filepath.Join(repository(t), "docs", "reference.md")
	if *updateFlag {
		if err := os.WriteFile(file, spec.Reference(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), string(spec.Reference())); diff != "" {
		t.Errorf("docs/reference.md is stale: make generate (-have +want):\n%s", diff)
	}
}
