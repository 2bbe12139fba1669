// Package policies holds the Rego policies of Strake.
//
// It must never contain logic: the engine that evaluates the policies is
// generator/check/rego, and a directory of the user may stand in their place.
package policies

import "embed"

// FS holds one file per rule, its tests, and the shared helpers in lib.
//
//go:embed *.rego lib/*.rego
var FS embed.FS
