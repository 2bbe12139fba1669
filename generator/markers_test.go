package generator_test

import (
	"testing"

	"strake/generator/propose"
	"strake/generator/report"
)

// TestMarkersAgree: report writes the marker that closes our part of a pull
// request's text, propose keeps what stands after it, and neither may import
// the other.
func TestMarkersAgree(t *testing.T) {
	t.Parallel()
	if report.EndMarker != propose.EndMarker {
		t.Errorf("report writes %q, propose looks for %q", report.EndMarker, propose.EndMarker)
	}
}
