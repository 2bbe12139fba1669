//go:build e2e

// Package e2e holds the rendered reference platform against the components it
// is for. Run it with make e2e: the tests need the rig that e2e/rig.sh makes.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"strake/e2e/harness"
)

// shared is what the tests have in common. It is made by TestMain and read by
// the tests.
var shared struct {
	rig     *harness.Rig
	ctx     context.Context
	root    string // of the repository
	strake  string // the product's binary
	program string // PATH of the components
	began   time.Time
	update  bool // write the tables that the tests compare with

	mu   sync.Mutex
	rows []row
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	shared.ctx, shared.began = ctx, time.Now()
	shared.root, shared.strake, shared.program = os.Getenv("STRAKE_ROOT"), os.Getenv("STRAKE_BIN"), os.Getenv("STRAKE_RIG_PATH")
	shared.update = os.Getenv("UPDATE") != ""
	rig, err := harness.New(harness.Config{
		Dir: os.Getenv("STRAKE_RIG_DIR"), Path: shared.program,
		Sources: map[string]string{
			"argocd": os.Getenv("STRAKE_MOD_ARGOCD"), "workflows": os.Getenv("STRAKE_MOD_WORKFLOWS"),
			"external-secrets": os.Getenv("STRAKE_MOD_EXTERNAL_SECRETS"),
		},
		Outside: os.Getenv("STRAKE_RIG_OUTSIDE"),
		Log:     func(line string) { fmt.Println("    rig:", line) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 3
	}
	shared.rig = rig
	code := m.Run()
	if err := rig.Died(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	if err := rig.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "e2e: interrupted")
		return 130
	}
	if err := report(filepath.Join(shared.root, "docs", "e2e.md"), code == 0); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	return code
}
