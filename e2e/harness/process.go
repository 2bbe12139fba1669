package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Command says how a component is started, when it is up, and as whom it runs.
type Command struct {
	// Name is the component's own; its log is <Name>.log.
	Name string
	// Program is looked up in the rig's PATH.
	Program string
	Args    []string
	// Env is added to PATH, HOME and TMPDIR, which are all that a component
	// sees of the rig's environment.
	Env []string
	// User runs the component; nil is the rig's own user.
	User *syscall.Credential
	// Ready reports nil once the component does its work. It is asked until
	// then, or until Within has passed (30 seconds when zero).
	Ready  func(context.Context) error
	Within time.Duration
	// Stop is the signal that ends it in good order (SIGTERM when zero).
	Stop syscall.Signal
}

// Process is a component that was started.
type Process struct {
	Name string
	Log  string // path
	cmd  *exec.Cmd
	stop syscall.Signal
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; to be read after done
	// asked is set before the process is told to end.
	asked atomic.Bool
}

// Start runs a component and waits until it is ready. The process outlives
// ctx: it ends with Close, or with the namespace.
func (r *Rig) Start(ctx context.Context, c Command) (*Process, error) {
	began := time.Now()
	p, err := r.launch(c)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	r.mu.Lock()
	r.processes = append(r.processes, p)
	r.mu.Unlock()
	within := c.Within
	if within == 0 {
		within = 30 * time.Second
	}
	if c.Ready != nil {
		if err := p.await(ctx, within, c.Ready); err != nil {
			r.forget(p) // it is reported here, once
			return nil, errors.Join(err, p.Close())
		}
	}
	r.config.Log(fmt.Sprintf("%-32s up in %.1f s", c.Name, time.Since(began).Seconds()))
	return p, nil
}

func (r *Rig) forget(p *Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes = slices.DeleteFunc(r.processes, func(other *Process) bool { return other == p })
}

func (r *Rig) launch(c Command) (p *Process, err error) {
	path, err := r.program(c.Program)
	if err != nil {
		return nil, err
	}
	p = &Process{Name: c.Name, Log: filepath.Join(r.config.Dir, "logs", c.Name+".log"), stop: c.Stop, done: make(chan struct{})}
	if p.stop == 0 {
		p.stop = syscall.SIGTERM
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }() // the process has its own copy
	home := filepath.Join(r.config.Dir, "home")
	p.cmd = exec.Command(path, c.Args...)
	p.cmd.Dir = home
	p.cmd.Env = append([]string{"PATH=" + r.config.Path, "HOME=" + home, "TMPDIR=" + filepath.Join(r.config.Dir, "tmp"), "LANG=C.UTF-8"}, c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A group of its own: an interrupt at the terminal goes to the rig alone,
	// which ends its components in order. Should the rig itself be killed, the
	// kernel ends them.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: c.User}
	fmt.Fprintf(log, "# %s\n", p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// await asks until the component is ready. A component that ends meanwhile, or
// is late, is reported with the last lines of its log.
func (p *Process) await(ctx context.Context, within time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := errors.New("it was not asked yet")
	for {
		attempt, done := context.WithTimeout(ctx, 2*time.Second)
		err := ready(attempt)
		done()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w\n%s", p.Name, p.exit(), p.Tail(30))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %w\n%s", p.Name, context.Cause(ctx), last, p.Tail(30))
		case <-tick.C:
		}
	}
}

// exit is how an ended process ended.
func (p *Process) exit() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("exit status 0")
}

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Close ends the process: it is asked, and after ten seconds it is killed.
func (p *Process) Close() error {
	if !p.Running() {
		return nil
	}
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(p.stop)
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	select {
	case <-p.done:
		return fmt.Errorf("%s did not stop when asked and was killed\n%s", p.Name, p.Tail(10))
	case <-time.After(5 * time.Second):
		return fmt.Errorf("%s (pid %d) does not end", p.Name, p.cmd.Process.Pid)
	}
}

// Tail returns the last lines of the log, indented under its path.
func (p *Process) Tail(lines int) string {
	data, err := os.ReadFile(p.Log)
	if err != nil {
		return "    (no log: " + err.Error() + ")"
	}
	all := strings.Split(string(bytes.TrimRight(data, "\n")), "\n")
	// Kubernetes' components say much that is no news (lines that begin with I).
	all = slices.DeleteFunc(all, regexp.MustCompile(`^I\d{4} |Skipping API `).MatchString)
	all = all[max(0, len(all)-lines):]
	return "    --- " + p.Log + "\n    " + strings.Join(all, "\n    ")
}
