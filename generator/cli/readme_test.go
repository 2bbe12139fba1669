package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var consoleFence = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestReadme types the commands of README.md, block by block, into a copy of
// this repository's platform, as a reader would who cloned it, and compares
// what they print. A line "..." stands for any lines. With -update the output
// is written anew, as much of it as was shown before.
func TestReadme(t *testing.T) {
	t.Parallel()
	file := filepath.Join(repository(t), "README.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clone := renderedPlatform(t)
	for _, line := range []string{"git init --quiet", "git add --all", "git commit --quiet --message start"} {
		if out, err := typed(t, clone, line); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	blocks := 0
	now := consoleFence.ReplaceAllFunc(data, func(block []byte) []byte {
		blocks++
		dir := clone
		if bytes.HasPrefix(block, []byte("```console\n$ strake init ")) { // "in an empty directory"
			dir = t.TempDir()
		}
		return []byte("```console\n" + console(t, dir, string(consoleFence.FindSubmatch(block)[1])) + "```")
	})
	if blocks < 4 {
		t.Errorf("README.md has %d blocks", blocks)
	}
	if *updateFlag {
		if err := os.WriteFile(file, now, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// console types the commands of a block and returns it with what they print.
func console(t *testing.T, dir, block string) string {
	t.Helper()
	var b strings.Builder
	for _, part := range strings.Split("\n"+strings.TrimSuffix(block, "\n"), "\n$ ")[1:] {
		command, shown, _ := strings.Cut(part, "\n")
		out, _ := typed(t, dir, command) // what it prints says whether it failed
		b.WriteString("$ " + command + "\n")
		out = strings.TrimSuffix(out, "\n")
		if !shows(shown, out) {
			if !*updateFlag {
				t.Errorf("$ %s\nREADME.md shows:\n%s\nit prints:\n%s", command, shown, out)
			}
			shown = shorten(shown, out)
		}
		if shown != "" {
			b.WriteString(shown + "\n")
		}
	}
	return b.String()
}

const elided = "..."

// shows reports whether the lines shown are the lines printed, where "..."
// stands for any.
func shows(shown, printed string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(shown + "\n") {
		if strings.TrimSpace(line) == elided {
			pattern.WriteString(`(?:.*\n)*`)
		} else {
			pattern.WriteString(regexp.QuoteMeta(line))
		}
	}
	return regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(printed + "\n")
}

// shorten keeps as many lines at the beginning and the end as were shown there.
func shorten(shown, printed string) string {
	have, lines := strings.Split(shown, "\n"), strings.Split(printed, "\n")
	first, last := -1, -1
	for i, line := range have {
		if strings.TrimSpace(line) == elided {
			if first < 0 {
				first = i
			}
			last = len(have) - 1 - i
		}
	}
	if first < 0 || first+last >= len(lines) {
		return printed
	}
	return strings.Join(append(append(lines[:first:first], elided), lines[len(lines)-last:]...), "\n")
}

// typed runs a line as a shell would: strake in this process, on the day of the
// examples, and everything else by sh.
func typed(t testing.TB, dir, line string) (string, error) {
	t.Helper()
	if args := strings.Fields(line); args[0] == "strake" && !strings.ContainsAny(line, "|<>&;'\"") {
		var out bytes.Buffer
		code := Main(args[1:], Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: dir,
			Getenv: func(string) string { return "" },
			Now:    func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		})
		if code != exitClean {
			return out.String(), fmt.Errorf("exit %d", code)
		}
		return out.String(), nil
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
