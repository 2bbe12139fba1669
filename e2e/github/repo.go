package github

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// noObject is the name that git takes for "there is nothing".
const noObject = "0000000000000000000000000000000000000000"

var objectName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// errMissing is an object that the repository does not have.
var errMissing = errors.New("no such object")

// repo is the bare repository, reached by git's own plumbing: one process
// answers all reads of objects, git moves the refs, merges and compares. Only
// new objects are written here, because a program for each of them made every
// test slow; git fsck holds them in the tests. Objects never change, so what is
// known of them is remembered. Refs are read from disk each time: others push.
type repo struct {
	dir string
	env []string

	mu      sync.Mutex
	reader  *exec.Cmd
	ask     io.WriteCloser
	told    *bufio.Reader
	commits map[string]*commit
	trees   map[string][]entry
	sizes   map[string]int
	merges  map[[2]string]merged
	apart   map[[2]string]distance
	diffs   map[[2]string][]fileDiff
}

func initRepo(dir, branch string) (*repo, error) {
	r := &repo{
		dir:     dir,
		commits: map[string]*commit{}, trees: map[string][]entry{}, sizes: map[string]int{},
		merges: map[[2]string]merged{}, apart: map[[2]string]distance{}, diffs: map[[2]string][]fileDiff{},
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") { // a test may run inside of a hook
			r.env = append(r.env, v)
		}
	}
	r.env = append(r.env, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	if _, err := r.git(nil, "init", "--quiet", "--bare", "--template=", "--initial-branch="+branch, dir); err != nil {
		return nil, err
	}
	config, err := os.OpenFile(filepath.Join(dir, "config"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("configure the repository: %w", err)
	}
	// refs/pull belongs to GitHub: a push to it is refused, a fetch is not.
	_, err = config.WriteString("[http]\n\treceivepack = true\n[receive]\n\thideRefs = refs/pull\n\tautogc = false\n[gc]\n\tauto = 0\n" +
		"[transfer]\n\thideRefs = refs/forks\n[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n")
	if err := errors.Join(err, config.Close(), os.MkdirAll(filepath.Join(dir, "hooks"), 0o755)); err != nil {
		return nil, fmt.Errorf("configure the repository: %w", err)
	}
	return r, r.startReader()
}

func (r *repo) startReader() error {
	r.reader = exec.Command("git", "cat-file", "--batch")
	r.reader.Dir, r.reader.Env = r.dir, r.env
	in, err := r.reader.StdinPipe()
	if err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	out, err := r.reader.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	if err := r.reader.Start(); err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	r.ask, r.told = in, bufio.NewReader(out)
	return nil
}

func (r *repo) close() error {
	if r.reader == nil {
		return nil
	}
	err := errors.Join(r.ask.Close(), r.reader.Wait())
	r.reader = nil
	return err
}

// exited is how git ended when it did not end with 0.
type exited struct {
	code int
	text string
}

func (e *exited) Error() string { return e.text }

// git runs one command of git in the repository.
func (r *repo) git(stdin []byte, args ...string) (string, error) {
	return r.gitWith(nil, stdin, args...)
}

func (r *repo) gitWith(env []string, stdin []byte, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Env = append(slices.Clip(r.env), env...)
	if args[0] != "init" {
		cmd.Dir = r.dir
	}
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), &exited{exit.ExitCode(), fmt.Sprintf("git %s: %s", args[0], strings.TrimSpace(errs.String()))}
	}
	if err != nil {
		return "", fmt.Errorf("run git %s: %w", args[0], err)
	}
	return out.String(), nil
}

// object reads one object and its kind; errMissing when there is none.
func (r *repo) object(name string) (kind string, data []byte, err error) {
	if name == "" || strings.ContainsAny(name, " \n\x00") {
		return "", nil, errMissing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := io.WriteString(r.ask, name+"\n"); err != nil {
		return "", nil, fmt.Errorf("ask git cat-file: %w", err)
	}
	head, err := r.told.ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("read from git cat-file: %w", err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return "", nil, errMissing
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return "", nil, errMissing // "NAME ambiguous", said of a short name
	}
	data = make([]byte, size+1)
	if _, err := io.ReadFull(r.told, data); err != nil {
		return "", nil, fmt.Errorf("read from git cat-file: %w", err)
	}
	return fields[1], data[:size], nil
}

// blob reads a blob.
func (r *repo) blob(sha string) ([]byte, error) {
	kind, data, err := r.object(sha)
	if err == nil && kind != "blob" {
		err = errMissing
	}
	return data, err
}

// size of a blob.
func (r *repo) size(sha string) (int, error) {
	if n, ok := r.sizes[sha]; ok {
		return n, nil
	}
	data, err := r.blob(sha)
	if err == nil {
		r.sizes[sha] = len(data)
	}
	return len(data), err
}

// refs reads all refs from disk, the loose ones over the packed ones.
func (r *repo) refs() (map[string]string, error) {
	refs := make(map[string]string)
	packed, err := os.ReadFile(filepath.Join(r.dir, "packed-refs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read refs: %w", err)
	}
	for line := range strings.Lines(string(packed)) {
		if sha, name, found := strings.Cut(strings.TrimSpace(line), " "); found && objectName.MatchString(sha) {
			refs[name] = sha
		}
	}
	fsys := os.DirFS(r.dir)
	err = fs.WalkDir(fsys, "refs", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted by a push while we look
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if sha := strings.TrimSpace(string(data)); objectName.MatchString(sha) {
			refs[name] = sha
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read refs: %w", err)
	}
	return refs, nil
}

// setRef moves a ref from old to new; noObject as old creates it, as new
// deletes it. It fails when the ref is not at old.
func (r *repo) setRef(ref, old, sha string) error {
	_, err := r.git(fmt.Appendf(nil, "update %s %s %s\n", ref, sha, old), "update-ref", "--no-deref", "--stdin")
	return err
}
