// Package harness runs a real Kubernetes control plane, Argo CD, Argo Workflows
// and PostgreSQL as plain processes on loopback, without containers.
//
// It must never be run outside of a network namespace of its own (e2e/rig.sh
// makes one): two of the components listen on every address and have no flag
// against it. It must never report a component as up that does not answer.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Config says where the rig lives.
type Config struct {
	// Dir holds data, certificates, kubeconfigs and logs. The caller removes it.
	Dir string
	// Path is where programs are looked up, in the form of $PATH.
	Path string
	// Sources are the directories of the Go modules whose manifests are applied,
	// by the name of the module under e2e/tools.
	Sources map[string]string
	// Outside is the mount namespace that the rig was made from, as
	// /proc/self/ns/mnt names it. The rig mounts nothing there.
	Outside string
	// Log is told what has happened, a line at a time.
	Log func(string)
}

// Rig is a set of running components.
type Rig struct {
	config Config
	certs  *authority

	mu        sync.Mutex
	processes []*Process // in order of their start
	clusters  map[string]*Cluster
	etcd      struct {
		once    sync.Once
		failure error
	}
	delivery delivery
	names    struct {
		once    sync.Once
		failure error
	}
}

// New prepares the rig's directory. It starts nothing.
func New(config Config) (*Rig, error) {
	if err := isolated(); err != nil {
		return nil, err
	}
	for _, dir := range []string{"logs", "home", "tmp", "certs", "kubeconfig"} {
		if err := os.MkdirAll(filepath.Join(config.Dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	certs, err := newAuthority(filepath.Join(config.Dir, "certs"))
	if err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	return &Rig{config: config, certs: certs, clusters: map[string]*Cluster{}}, nil
}

// isolated refuses to run where another machine could reach the components.
func isolated() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list network interfaces: %w", err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return fmt.Errorf("network interface %s is up: run this inside e2e/rig.sh, which has loopback only", i.Name)
		}
	}
	return nil
}

// Dir returns a directory of the rig, made if need be.
func (r *Rig) Dir(elem ...string) (string, error) {
	dir := filepath.Join(append([]string{r.config.Dir}, elem...)...)
	return dir, os.MkdirAll(dir, 0o755)
}

// program finds a program in the rig's PATH.
func (r *Rig) program(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, dir := range filepath.SplitList(r.config.Path) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s: run e2e/tools.sh and e2e/debian.sh", name, r.config.Path)
}

// Run runs a program to its end and returns what it printed.
func (r *Rig) Run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	path, err := r.program(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append([]string{"PATH=" + r.config.Path, "HOME=" + filepath.Join(r.config.Dir, "home"), "LANG=C.UTF-8"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Close stops every component, the last started first.
func (r *Rig) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(r.processes) {
		errs = append(errs, p.Close())
	}
	r.processes, r.clusters = nil, map[string]*Cluster{}
	return errors.Join(errs...)
}

// Died lists the components that ended without being asked, with their logs.
func (r *Rig) Died() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, p := range r.processes {
		if !p.Running() && !p.asked.Load() {
			errs = append(errs, fmt.Errorf("%s died: %w\n%s", p.Name, p.exit(), p.Tail(30)))
		}
	}
	return errors.Join(errs...)
}

// Tails returns the ends of the logs of the components whose name begins so.
func (r *Rig) Tails(lines int, prefixes ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, p := range r.processes {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p.Name, prefix) }) {
			out = append(out, p.Tail(lines))
		}
	}
	return strings.Join(out, "\n")
}
