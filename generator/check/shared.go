package check

import (
	"fmt"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// sharedObjects finds objects that two overlays of one environment both make.
// Each overlay is an Argo CD Application of its own: the two take the object
// from each other at every sync, and the one that is deleted takes it along.
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#fail-the-sync-if-a-shared-resource-is-found
func sharedObjects(in *Input) diag.List {
	type owner struct {
		overlay string
		object  *manifest.Object
	}
	owners := make(map[Identity]owner)
	var findings diag.List
	for _, overlay := range in.Overlays {
		for _, o := range overlay.Objects {
			id := identityOf(o)
			first, taken := owners[id]
			if !taken {
				owners[id] = owner{overlay.Dir, o}
				continue
			}
			if first.overlay == overlay.Dir {
				continue // kustomize refuses that by itself
			}
			d := o.Finding("object-shared", diag.Error, o.At("metadata", "name"),
				fmt.Sprintf("%s is made by two overlays: %s and %s", o.ID(), first.overlay, overlay.Dir),
				"Leave it in one of them: two Applications that own one object undo each other's changes.")
			at, _ := first.object.Locate(first.object.At("metadata", "name"))
			d.Related = append(d.Related, diag.Related{Range: at, Message: "made here, too"})
			findings = append(findings, d)
		}
	}
	return findings
}
