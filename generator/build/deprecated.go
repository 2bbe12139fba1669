package build

import "sigs.k8s.io/kustomize/api/types"

// The fields of a kustomization that kustomize calls deprecated and still
// obeys. People's repositories are full of them, so they are read like any
// other; that they are deprecated is a finding of its own.

func merges(k *types.Kustomization) *[]types.PatchStrategicMerge {
	return &k.PatchesStrategicMerge //nolint:staticcheck // see above
}

func operations(k *types.Kustomization) *[]types.Patch {
	return &k.PatchesJson6902 //nolint:staticcheck // see above
}

func commonLabels(k *types.Kustomization) *map[string]string {
	return &k.CommonLabels //nolint:staticcheck // see above
}

func variables(k *types.Kustomization) *[]types.Var {
	return &k.Vars //nolint:staticcheck // see above
}
