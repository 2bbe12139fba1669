package spec

import "path"

// TerraformRootName is the name of one of the two roots.
type TerraformRootName string

// The two roots of an environment.
const (
	Persistent TerraformRootName = "persistent"
	Ephemeral  TerraformRootName = "ephemeral"
)

// TerraformRootAt says where one of the two roots stands in the repository, and
// whether it is rendered. The directory is empty where there is none.
func (e *Effective) TerraformRootAt(name TerraformRootName) (dir string, render bool) {
	t := e.Terraform
	if t == nil {
		return "", false
	}
	own := t.Persistent
	if name == Ephemeral {
		own = t.Ephemeral
	}
	switch {
	case own != nil && own.Path != "":
		return own.Path, false
	case own != nil && own.Render, t.Render && t.Path == "":
		return path.Join(e.Repository.Root, "environments", e.Environment, string(name)), true
	default:
		return t.Path, false
	}
}

// TerraformState is where a root keeps its state: the root's own, or the
// environment's with the root's name added to the prefix.
func (e *Effective) TerraformState(name TerraformRootName) (TerraformState, bool) {
	t := e.Terraform
	if t == nil {
		return TerraformState{}, false
	}
	own := t.Persistent
	if name == Ephemeral {
		own = t.Ephemeral
	}
	var s TerraformState
	switch {
	case own != nil && own.State != nil:
		s = *own.State
		if s.Prefix != "" {
			return s, true
		}
	case t.State != nil:
		s = *t.State
	default:
		return TerraformState{}, false
	}
	if s.Prefix == "" {
		s.Prefix = e.Platform + "/" + e.Environment
	}
	s.Prefix = path.Join(s.Prefix, string(name))
	return s, true
}

// terraform holds terraform's fields against each other.
func (x *examiner) terraform() {
	t := x.e.Terraform
	if t == nil || !x.settled("terraform") {
		return
	}
	if t.Render && t.Path != "" {
		x.report(ruleExclusive, "terraform.path", "path and render exclude each other", "What is rendered stands in environments/"+x.e.Environment+". Remove path, or write render: false to read a root of your own.")
	}
	for _, r := range []struct {
		name TerraformRootName
		own  *TerraformRoot
	}{{Persistent, t.Persistent}, {Ephemeral, t.Ephemeral}} {
		at := "terraform." + string(r.name)
		if r.own != nil && r.own.Render && r.own.Path != "" {
			x.report(ruleExclusive, at+".path", "path and render exclude each other", "What is rendered stands in environments/"+x.e.Environment+"/"+string(r.name)+". Remove path, or write render: false to read a root of your own.")
		}
		if _, render := x.e.TerraformRootAt(r.name); !render {
			continue
		}
		if _, ok := x.e.TerraformState(r.name); !ok {
			x.report(ruleRequired, at, "the "+string(r.name)+" root is rendered and has no state", "Write terraform: {state: {bucket: …}}: a root without a backend keeps its state on somebody's disk.")
		}
	}
	if x.rendersTerraform() {
		x.cloudNamed()
		x.underneath()
	}
}

// rendersTerraform reports whether one of the two roots is rendered.
func (x *examiner) rendersTerraform() bool {
	_, persistent := x.e.TerraformRootAt(Persistent)
	_, ephemeral := x.e.TerraformRootAt(Ephemeral)
	return persistent || ephemeral
}

// cloudNamed reports what every rendered root needs to know.
func (x *examiner) cloudNamed() {
	for _, f := range []struct{ name, value string }{{"cloud.project", x.e.Cloud.Project}, {"cloud.region", x.e.Cloud.Region}} {
		if f.value == "" && x.settled(f.name) {
			x.report(ruleRequired, f.name, f.name+" is missing, and Terraform is rendered", "")
		}
	}
}
