// Package cli is the shell around the pure core: commands and flags, the
// process's environment, the terminal, exit codes, and the order of stages.
//
// It must never decide what is rendered, what a finding is, or how a report
// looks: it hands values from one stage to the next.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Version of the tool. Its minor is what spec.strake.version pins.
const Version = "0.1.0"

// The exit codes.
const (
	exitClean    = 0 // nothing at or above --fail-on
	exitFindings = 1 // findings at or above --fail-on, or a tree that is not as rendered
	exitUsage    = 2 // an unknown command, flag or argument
	exitFailed   = 3 // could not do the job
)

// Env is all that the program takes from the process it runs in.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Dir is the working directory.
	Dir    string
	Getenv func(string) string
	Now    func() time.Time
	// Color and Progress say what the terminal can take.
	Color, Progress bool
}

// How much garbage may pile up: as a share of what is live, in per cent, and up
// to how many bytes in all.
const (
	gcPercent = 400
	gcLimit   = 1 << 30
)

// Process returns the environment of the running process.
func Process() Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	stderr := os.Stderr
	// kustomize prints its deprecation warnings to os.Stderr by itself, once per
	// build. They are findings here, with a line.
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
	// A run is short and makes a lot of garbage: collecting it less often saves
	// a third of the CPU. The limit keeps a large repository from growing.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(gcLimit)
	}
	out := term.IsTerminal(int(os.Stdout.Fd()))
	talk := term.IsTerminal(int(stderr.Fd()))
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: stderr,
		Dir: dir, Getenv: os.Getenv, Now: time.Now,
		Color: out && !plain, Progress: talk && os.Getenv("TERM") != "dumb",
	}
}

// errFindings ends a command whose findings have been reported already.
var errFindings = errors.New("findings")

// usageError is a mistake in the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Main runs the program and returns its exit code.
func Main(args []string, env Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := newRoot(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "strake: %s\nRun 'strake --help' for usage.\n", err)
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(env.Stderr, "strake: interrupted")
		return exitFailed
	default:
		fmt.Fprintf(env.Stderr, "strake: %s\n", err)
		return exitFailed
	}
}

func newRoot(env Env) *cobra.Command {
	g := &global{env: env}
	root := &cobra.Command{
		Use:   "strake",
		Short: "One spec, every overlay: write, check and propose what Argo CD syncs",
		Long: `Strake renders a platform of Argo Workflows on GKE from one spec: a kustomize
base and one overlay per environment and app. It builds the overlays, checks
them as the API server, Argo and your policies would, and opens one pull request
per environment.

Exit codes: 0 clean, 1 findings, 2 usage, 3 could not do the job.`,
		Version:       Version,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetIn(env.Stdin)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetVersionTemplate("strake {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVarP(&g.dir, "directory", "C", "", "run as if started in this directory")
	flags.StringVarP(&g.spec, "spec", "f", "", "the platform's spec (default environments/platform.yaml)")
	flags.BoolVarP(&g.quiet, "quiet", "q", false, "no progress and no closing line on stderr")
	root.AddCommand(
		newInit(g), newVendor(g), newRender(g), newFacts(g), newBuild(g), newApps(g), newCheck(g), newDiff(g), newCost(g), newPropose(g), newBootstrap(g), newExplain(g), newPolicy(g),
	)
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q", name)
	if near := root.SuggestionsFor(name); len(near) > 0 {
		text += fmt.Sprintf(": did you mean %s?", near[0])
	}
	return usageError{errors.New(text)}
}

// global are the flags of every command.
type global struct {
	env   Env
	dir   string
	spec  string
	quiet bool
}

// start is the directory that the command runs in.
func (g *global) start() string {
	switch {
	case g.dir == "":
		return g.env.Dir
	case filepath.IsAbs(g.dir):
		return g.dir
	default:
		return filepath.Join(g.env.Dir, g.dir)
	}
}

// talk prints to stderr what is no result.
func (g *global) talk(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintf(g.env.Stderr, format+"\n", args...)
	}
}

// progress shows on a terminal what takes long, and nothing in a pipe. The
// returned function wipes the line.
func (g *global) progress(format string, args ...any) func() {
	if !g.env.Progress || g.quiet {
		return func() {}
	}
	line := []rune(fmt.Sprintf(format, args...))
	line = line[:min(len(line), 78)]
	fmt.Fprintf(g.env.Stderr, "\r%s", string(line))
	return func() { fmt.Fprintf(g.env.Stderr, "\r%s\r", strings.Repeat(" ", len(line))) }
}

// noArgs refuses arguments with a usage error, which cobra's own does not make.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
