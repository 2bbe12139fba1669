package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// grown is a platform of n environments, rendered. It is the scaffold of init
// with more environments.
func grown(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	if code, out, talk := run(b, dir, "init", "--quiet", "--name", "bench"); code != exitClean {
		b.Fatalf("init: exit %d: %s%s", code, out, talk)
	}
	spec := filepath.Join(dir, "environments", "platform.yaml")
	data, err := os.ReadFile(spec)
	if err != nil {
		b.Fatal(err)
	}
	head, _, found := strings.Cut(string(data), "  environments:\n")
	if !found {
		b.Fatal("the scaffold has no environments")
	}
	var text strings.Builder
	text.WriteString(head + "  environments:\n")
	for i := range n {
		fmt.Fprintf(&text, "    - {name: env%d}\n", i)
	}
	if err := os.WriteFile(spec, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	if code, out, talk := run(b, dir, "render", "--quiet"); code != exitClean {
		b.Fatalf("render: exit %d: %s%s", code, out, talk)
	}
	return dir
}

// BenchmarkRender renders in memory and compares with the disk.
func BenchmarkRender(b *testing.B) { commands(b, "render", "--check", "--quiet") }

// BenchmarkCheck renders, builds and checks every overlay.
func BenchmarkCheck(b *testing.B) { commands(b, "check", "--quiet") }

// BenchmarkBuild builds one overlay, from the start of the program to its output.
func BenchmarkBuild(b *testing.B) { commands(b, "build", "overlays/env0/argo-workflows") }

func commands(b *testing.B, args ...string) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprintf("environments=%d", n), func(b *testing.B) {
			dir := grown(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if code, out, talk := run(b, dir, args...); code != exitClean {
					b.Fatalf("exit %d: %s%s", code, out, talk)
				}
			}
		})
	}
}
