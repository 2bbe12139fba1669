package cli

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the strake of the scripts: they run the real
// program, its exit codes included.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"strake": func() { os.Exit(Main(os.Args[1:], Process())) },
	})
}

var updateFlag = flag.Bool("update", false, "rewrite golden files") //nolint:gochecknoglobals // the flag package has no other way

// TestScripts runs testdata/script/*.txtar. The reference platform is at hand
// as `platform DIR`.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *updateFlag,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"platform": cmdPlatform,
			"big":      cmdBig,
			"binary":   cmdBinary,
			"append":   cmdAppend,
			"replace":  cmdReplace,
			"sametree": cmdSameTree,
			"git":      cmdGit,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("REPO", repository(env.T().(testing.TB)))
			return nil
		},
	})
}

// repository is the root of this repository.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyPlatform copies the reference platform: what `make run` shows.
func copyPlatform(from, to string) error {
	for _, part := range []string{"environments", "base", "overlays", "docs/examples", ".gitattributes", ".gitignore"} {
		src := filepath.Join(from, filepath.FromSlash(part))
		err := filepath.WalkDir(src, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(from, file)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			target := filepath.Join(to, rel)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			return os.WriteFile(target, data, 0o644)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// platform DIR: copies the reference platform.
func cmdPlatform(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(copyPlatform(ts.Getenv("REPO"), ts.MkAbs(args[0])))
}

// big FILE MIB: writes a large file.
func cmdBig(ts *testscript.TestScript, _ bool, args []string) {
	mib, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte("# filler\n"), mib<<20/9), 0o644))
}

// binary FILE: writes what no text is.
func cmdBinary(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x7fELF\x02\x01\x00\x00\xff\xfe"), 0o644))
}

// append FILE TEXT: adds a line.
func cmdAppend(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteString(args[1] + "\n")
	ts.Check(err)
	ts.Check(f.Close())
}

// replace FILE OLD NEW: the old text must be there.
func cmdReplace(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if !strings.Contains(string(data), args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(string(data), args[1], strings.ReplaceAll(args[2], `\n`, "\n"), 1)), 0o644))
}

// sametree A B: compares two directories byte for byte.
func cmdSameTree(ts *testscript.TestScript, neg bool, args []string) {
	same := equalTrees(ts, ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	if same == neg {
		ts.Fatalf("%s and %s: same = %t", args[0], args[1], same)
	}
}

func equalTrees(ts *testscript.TestScript, a, b string) bool {
	read := func(root string) map[string]string {
		files := make(map[string]string)
		ts.Check(filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(file)
			files[strings.TrimPrefix(file, root)] = string(data)
			return err
		}))
		return files
	}
	left, right := read(a), read(b)
	for name, text := range left {
		if right[name] != text {
			ts.Logf("%s differs", name)
			return false
		}
	}
	return len(left) == len(right)
}

// git ARGS: runs git without the machine's configuration.
func cmdGit(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	ts.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	full := append([]string{"-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"}, args...)
	if err := ts.Exec("git", full...); (err != nil) != neg {
		ts.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
}
