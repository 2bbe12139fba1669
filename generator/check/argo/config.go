package argo

import (
	"strake/generator/diag"
	"strake/generator/manifest"
)

func (c *Checker) configMap(o *manifest.Object) diag.List { return nil }
