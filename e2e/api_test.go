//go:build e2e

package e2e

import (
	"testing"

	"strake/e2e/harness"
)

func TestAPIServer(t *testing.T) {
	c, err := shared.rig.StartCluster(shared.ctx, "dev", harness.Whole())
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Clients.Discovery().ServerVersion()
	t.Log(v, err)
}
